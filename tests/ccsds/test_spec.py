"""Frame specs: what they derive, and what they refuse."""

import copy
import dataclasses
import pickle

import pytest

from skdsn.ccsds import FrameSpec

DSLWP = {
    "transfer_frame_version": 2,
    "spacecraft_id": 10,
    "virtual_channel_id": 3,
    "spare": 1,
    "master_channel_frame_count": 8,
    "virtual_channel_frame_count": 8,
    "first_header_pointer": 8,
}


@pytest.mark.parametrize(
    ("spec", "zone"),
    [
        (FrameSpec("tm", length=1115), slice(6, 1115)),
        (
            FrameSpec("tm", length=1115, secondary_header=15, ocf=True, fecf=True),
            slice(21, 1109),
        ),
        (FrameSpec("aos", length=1113), slice(8, 1113)),
        (FrameSpec("aos", length=1113, packet_zone="kiss"), slice(6, 1113)),
        (
            FrameSpec(
                "aos", length=220, header_error_control=True, packet_zone="fixed"
            ),
            slice(8, 220),
        ),
        (FrameSpec("aos", length=99, insert_zone=5, fecf=True), slice(13, 97)),
        (FrameSpec("aos", fecf=True), slice(8, -2)),
        (FrameSpec("tm"), slice(6, None)),
        (FrameSpec("custom", header=DSLWP, length=223), slice(5, 223)),
    ],
)
def test_the_packet_zone_lies_between_headers_and_trailers(spec, zone):
    assert spec.zone == zone


def test_a_pointer_in_the_header_leaves_no_m_pdu_header():
    assert not FrameSpec("custom", header=DSLWP).pointer_in_zone
    without = {name: bits for name, bits in DSLWP.items() if "pointer" not in name}
    spec = FrameSpec("custom", header=without)
    assert spec.pointer_in_zone
    assert spec.zone == slice(6, None)


def test_header_fields_lie_one_after_the_other():
    spec = FrameSpec("tm", length=20)
    assert spec.bit_offset("spacecraft_id") == 2
    assert spec.bit_offset("first_header_pointer") == 37
    with pytest.raises(ValueError, match="no field 'pointer'"):
        spec.bit_offset("pointer")


def test_a_yaml_file_gives_the_same_spec_as_python(tmp_path):
    path = tmp_path / "spec.yaml"
    lines = [
        "kind: custom",
        "length: 223",
        "header:",
        *(f"  {name}: {bits}" for name, bits in DSLWP.items()),
        "packet_zone: kiss",
        "spacecraft_ids: [147, 403]",
        "virtual_channels: 0",
        "max_gap: 1h",
        "csv: {data: raw_data, time: received, drop: {remark: replay}}",
    ]
    path.write_text("\n".join(lines))
    assert FrameSpec.from_yaml(path) == FrameSpec(
        "custom",
        header=DSLWP,
        length=223,
        packet_zone="kiss",
        spacecraft_ids=(147, 403),
        virtual_channels=(0,),
        max_gap="1h",
        csv={"data": "raw_data", "time": "received", "drop": {"remark": "replay"}},
    )


@pytest.mark.parametrize(
    "spec",
    [
        FrameSpec("tm", length=20),
        FrameSpec("custom", header=DSLWP, csv={"data": "x", "drop": {"a": "b"}}),
    ],
)
def test_a_spec_can_be_copied_and_sent_to_other_processes(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec


def test_a_spec_may_be_changed_into_another_kind_and_be_a_key():
    tm = FrameSpec("tm", length=1115)
    aos = dataclasses.replace(tm, kind="aos")
    assert aos == FrameSpec("aos", length=1115)
    assert aos.zone == slice(8, 1115)
    custom = FrameSpec("custom", header=DSLWP, csv={"data": "x", "drop": {"a": "b"}})
    assert len({tm, aos, custom, FrameSpec("tm", length=1115)}) == 3
    assert dataclasses.replace(custom, length=9).fields == DSLWP
    with pytest.raises(ValueError, match="for the kind 'custom'"):
        dataclasses.replace(custom, kind="tm")


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        (FrameSpec("tm", secondary_header=4), (37, 11)),
        (FrameSpec("aos", insert_zone=3), (77, 11)),
        (FrameSpec("custom", header=DSLWP), (32, 8)),
    ],
)
def test_the_pointer_lies_in_the_header_or_at_the_end_of_the_m_pdu_header(
    spec, pointer
):
    assert spec.pointer == pointer


def test_a_spec_does_not_change_with_what_it_was_made_of():
    header = dict(DSLWP)
    spec = FrameSpec("custom", header=header)
    header["spacecraft_id"] = 2
    assert spec.header["spacecraft_id"] == 10
    with pytest.raises(TypeError):
        spec.header["spacecraft_id"] = 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: tm\nlenght: 20", "did you mean 'length'"),
        ("length: 20", "'kind' .* is missing"),
        ("kind: [tm]", "kind must be one of"),
        ("- kind", "must hold keys"),
        ("kind: tm\nlength: '20'", "length must be a whole number"),
        ("kind: tm\nspacecraft_ids: {a: 1}", "spacecraft_ids must be whole numbers"),
        ("kind: tm\nspacecraft_ids: null", "spacecraft_ids must be whole numbers"),
        ("kind: tm\nsync_marker: 449838109", "in quotes"),
        ("kind: tm\nmax_gap: later", "max_gap"),
        ("kind: {", "YAML"),
    ],
)
def test_a_wrong_yaml_file_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as refusal:
        FrameSpec.from_yaml(path)
    assert "spec.yaml" in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "TM"}, "kind must be one of"),
        ({"packet_zone": "m_pdu"}, "packet_zone must be one of"),
        ({"length": 0}, "length must be"),
        ({"length": True}, "length must be"),
        ({"length": 6}, "leave no room"),
        ({"length": 12, "ocf": True, "fecf": True}, "leave no room"),
        ({"trailer": -1}, "trailer must be"),
        ({"look_back": 1.5}, "look_back must be"),
        ({"fecf": "yes"}, "fecf must be true or false"),
        ({"spacecraft_ids": "42"}, "spacecraft_ids must be"),
        ({"virtual_channels": [True]}, "virtual_channels must be"),
        ({"virtual_channels": None}, "virtual_channels must be"),
        ({"spacecraft_ids": [5, 1024]}, "10 bits .* got 1024"),
        ({"virtual_channels": 8}, "3 bits"),
        ({"kind": "aos", "spacecraft_ids": 256}, "8 bits"),
        ({"kind": "custom", "header": DSLWP, "virtual_channels": 8}, "3 bits"),
        ({"insert_zone": 2}, "'tm' have no insert_zone"),
        ({"header_error_control": True}, "'tm' have no header_error_control"),
        ({"replay": "drop"}, "'tm' have no replay"),
        ({"kind": "aos", "secondary_header": 4}, "'aos' have no secondary_header"),
        ({"kind": "aos", "replay": "keep"}, "replay must be one of"),
        ({"sync_marker": "1ACFFC1"}, "sync_marker must be hex"),
        ({"max_gap": 0}, "max_gap must be positive"),
        ({"header": {"spacecraft_id": 8}}, "fixed by its standard"),
        ({"csv": {"column": "x"}}, "none of"),
        ({"csv": {"data": "x", "drop": "replay"}}, "drop must map"),
        ({"kind": "custom"}, "header must name"),
        ({"kind": "custom", "header": {"spacecraft_id": 8}}, "missing"),
        ({"kind": "custom", "header": DSLWP | {"spare": 2}}, "no whole number"),
        ({"kind": "custom", "header": DSLWP | {"spare": 33}}, "1 to 32 bits"),
        ({"kind": "custom", "header": DSLWP | {"spare": 0}}, "1 or more"),
        ({"kind": "custom", "header": DSLWP | {"spacecraft_id": 18}}, "16 bits"),
    ],
)
def test_a_wrong_parameter_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FrameSpec(**{"kind": "tm"} | options)
