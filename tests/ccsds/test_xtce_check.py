"""Nothing in an XTCE file is taken on trust."""

import pytest
from xtce_files import (
    DYNAMIC,
    XTCE,
    container,
    context,
    default,
    document,
    equal,
    integer,
    polynomial,
)

from skdsn.ccsds import read_xtce

pytest.importorskip("space_packet_parser")


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    "start",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY j SYSTEM "secret.txt">]>',
        '<!DOCTYPE x SYSTEM "secret.dtd">',
    ],
)
def test_entities_are_refused(read_text, tmp_path, start):
    (tmp_path / "secret.txt").write_text("secret")
    text = document({"a": integer("a", 8)}, [container("hk&j;", ["a"])])
    with pytest.raises(ValueError, match="document type") as caught:
        read_text(start + text)
    assert "secret" not in str(caught.value)


def test_entities_are_refused_in_other_encodings(tmp_path):
    path = tmp_path / "wide.xml"
    text = document({"a": integer("a", 8)}, [container("hk", ["a"])])
    path.write_bytes(
        ('<?xml version="1.0" encoding="UTF-16"?>' + LAUGHS + text).encode("utf-16")
    )
    with pytest.raises(ValueError, match="document type"):
        read_xtce(path)


def nested(depth):
    inner = [container("c0", ["a"] * 10, base=None)]
    inner += [
        container(f"c{k}", [f"@c{k - 1}"] * 10, base=None) for k in range(1, depth)
    ]
    return [*inner, container("hk", [f"@c{depth - 1}"], criteria=equal("APID", 1))]


ONE = {"a": integer("a", 8)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<SpaceSystem>", "not well-formed"),
        ("<html/>", "begins with a SpaceSystem"),
        (f'<SpaceSystem xmlns="{XTCE}"/>', "no SequenceContainer"),
        (document(ONE, nested(12)), "expand to more than"),
        (document(ONE, [container("x", ["@x"], base=None)]), "contain themselves"),
        (document(ONE, [container("x", ["a"], base="y")]), "no container 'y'"),
        (document(ONE, [container("x", ["lost"])]), "cannot be read|is named"),
        (document(ONE, []), "no container that is not abstract"),
        (
            document(
                {"a": integer("a", 65)},
                [container("x", ["a"], criteria=equal("APID", 1))],
            ),
            "64 bits at most",
        ),
        (
            document(
                DYNAMIC | {"a": integer("a", 65)},
                [container("x", [*DYNAMIC, "a"], criteria=equal("APID", 1))],
            ),
            "64 bits at most",
        ),
        (
            document(
                ONE,
                [
                    container(f"c{k}", [], base=f"c{k - 1}" if k else "CCSDSPacket")
                    for k in reversed(range(1200))
                ],
            ).replace("<RestrictionCriteria></RestrictionCriteria>", ""),
            "nested too deeply",
        ),
        (
            document(
                {"a": integer("a", 8, default("<MathOperationCalibrator/>"))},
                [container("x", ["a"])],
            ),
            "MathOperation|cannot be read",
        ),
        (
            document(
                {
                    "a": integer(
                        "a", 8, default(polynomial(1).replace('"0"', '"999999999"'))
                    )
                },
                [container("x", ["a"], criteria=equal("APID", 1))],
            ),
            "'a': the powers",
        ),
        (
            document(
                {"a": integer("a", 8, context(equal("far", 1), polynomial(1)))}
                | {"far": integer("far", 8)},
                [
                    container("x", ["a"], criteria=equal("APID", 1)),
                    container("y", ["far"], criteria=equal("APID", 2)),
                ],
            ),
            "'far', which container 'x'",
        ),
        (
            document(
                {
                    "a": integer("a", 8, context(equal("b", 1), polynomial(1))),
                    "b": integer("b", 8, context(equal("a", 1), polynomial(1))),
                },
                [container("x", ["a", "b"], criteria=equal("APID", 1))],
            ),
            "need each other in a circle",
        ),
        (
            document(ONE, [container("x", ["a"], criteria=equal("APID", 1))]).replace(
                '<ParameterRefEntry parameterRef="a"/>',
                '<ParameterRefEntry parameterRef="a"><IncludeCondition/>'
                "</ParameterRefEntry>",
            ),
            "IncludeCondition",
        ),
        (
            document(ONE, [container("x", ["a"], criteria=equal("APID", 1))]).replace(
                '<ParameterRefEntry parameterRef="a"/>',
                '<ParameterRefEntry parameterRef="a"><LocationInContainerInBits '
                'referenceLocation="containerStart"><FixedValue>8</FixedValue>'
                "</LocationInContainerInBits></ParameterRefEntry>",
            ),
            "LocationInContainerInBits",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(read_text, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_text(text)
    assert "mission.xml: " in str(caught.value)
