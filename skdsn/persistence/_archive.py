"""The archive: a zip file of JSON and arrays, read within limits."""

import io
import json
import math
import sys
import zipfile

import numpy as np

SCHEMA = "schema.json"
HEADER = "skdsn.json"
# The same in every file, so that equal detectors make equal files.
_DATE = (1980, 1, 1, 0, 0, 0)
# JSON takes up to so many times its size in memory.
_JSON_SHARE = 16
_LARGEST_HEADER = 65_536 * 64  # bytes
_LARGEST_ARRAY_HEADER = 4096  # characters


class Archive:
    """A zip file in memory whose members are few, plain and not too large.

    Parameters
    ----------
    data : bytes
    max_size : int
        Bytes that all members may hold, uncompressed.

    Raises
    ------
    ValueError
        If they hold more, or anything is not as :func:`pack_archive` writes it.
    """

    def __init__(self, data, max_size):
        self.zip = zipfile.ZipFile(io.BytesIO(data))
        members = self.zip.infolist()
        self.members = {member.filename: member for member in members}
        if len(self.members) < len(members):
            raise ValueError("it names a member twice")
        # No more is ever read of a member than it declares here.
        total = sum(member.file_size for member in members)
        if total > max_size:
            raise ValueError(
                f"it unpacks to {total} bytes, more than max_size={max_size}; raise "
                "that if the file is yours"
            )
        for member in members:
            plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            if member.flag_bits & 0x1 or not plain:
                raise ValueError(f"its member {member.filename!r} cannot be read")
        self.max_size = max_size

    def read_json(self, name):
        """Read a JSON object.

        Parameters
        ----------
        name : str

        Returns
        -------
        dict
        """
        if name not in self.members:
            raise ValueError(f"it has no {name}")
        most = self.max_size // _JSON_SHARE if name == SCHEMA else _LARGEST_HEADER
        size = self.members[name].file_size
        if size > most:
            raise ValueError(
                f"its {name} of {size} bytes is larger than {most}; raise max_size if "
                "the file is yours"
            )
        content = json.loads(self.zip.read(name))
        if not isinstance(content, dict):
            raise ValueError(f"its {name} is no JSON object")
        return content

    def check_array(self, name):
        """Check that a member is an array of numbers, times or text, and no more.

        Parameters
        ----------
        name : str

        Returns
        -------
        int
            Its bytes.
        """
        size = self.members[name].file_size
        with self.zip.open(name) as file:
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read(file, max_header_size=_LARGEST_ARRAY_HEADER)
            n_bytes = math.prod(shape) * dtype.itemsize
            if not _is_plain(dtype) or min(shape, default=0) < 0:
                raise ValueError(f"its array {name} holds {dtype}")
            # Otherwise NumPy would allocate what is not there.
            if file.tell() + n_bytes != size or max(shape, default=0) > self.max_size:
                raise ValueError(f"its array {name} is not as long as it says")
            # NumPy would make characters of whatever is there.
            if dtype.kind == "U" and not _is_text(file.read(n_bytes), dtype):
                raise ValueError(f"its array {name} holds what is no text")
        return size


def pack_archive(schema, header, arrays):
    """Write an archive.

    Parameters
    ----------
    schema, header : dict
    arrays : dict of str to bytes

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    texts = {HEADER: _as_json(header), SCHEMA: _as_json(schema)}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in {**texts, **arrays}.items():
            member = zipfile.ZipInfo(name, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(member, content)
    return buffer.getvalue()


def _as_json(content):
    return json.dumps(content, separators=(",", ":"))


def _is_text(data, dtype):
    points = np.frombuffer(data, np.dtype("u4").newbyteorder(dtype.byteorder))
    surrogates = (points >= 0xD800) & (points <= 0xDFFF)
    return points.max(initial=0) <= sys.maxunicode and not surrogates.any()


def _is_plain(dtype):
    if dtype.names is not None:  # the nodes of trees
        parts = [dtype[name] for name in dtype.names]
        return all(part.kind in "biuf" and part.itemsize <= 8 for part in parts)
    if dtype.kind == "f":
        return dtype.itemsize <= 8
    return dtype.kind in "biumMSU" and dtype.itemsize > 0
