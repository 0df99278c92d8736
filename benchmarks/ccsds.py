"""Cost of decoding, as ratios measured in one run.

``python benchmarks/ccsds.py decode`` decodes DSLWP-B housekeeping (HKWOD, 200 bytes) to
a DataFrame of 101 calibrated columns: beside skdsn, a NumPy structured dtype with the
same calibrations written out by hand, which is about the limit; the packages construct
(field by field with adapters, as the published notebook decodes) and ccsdspy, where
they can be imported.

``python benchmarks/ccsds.py frames`` reads frame headers and puts packets together,
beside a bare loop that cuts and joins the same bytes.

``python benchmarks/ccsds.py memory`` takes generated files of 100 MB and 1 GB to
packets and tells the peak memory of each.
"""

import argparse
import gc
import importlib
import io
import logging
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import skdsn
from skdsn.ccsds import (
    FrameSpec,
    PacketExtractor,
    decode_packets,
    dslwp,
    encode_frames,
    iter_frames,
    read_packets,
)

LSB = 0.00244
HKWOD = [  # name, type, elements, calibration
    ("protocol", "u1", 1, None),
    ("seconds_since_epoch", ">u4", 1, None),
    *((name, "u1", 1, None) for name in ("n_cmd_exe", "n_cmd_delay")),
    *((f"{name}_wdt_timeout_count", "u1", 1, None) for name in ("this", "that")),
    *((f"{name}_reset_count", "u1", 1, None) for name in ("sta", "stb", "ss", "is")),
    *((f"{name}_task_err_flag", "u1", 1, None) for name in ("pl", "hsd")),
    ("tc_wdt_timeout_period", "u1", 1, (1 / 12, 0)),
    ("v_bus", ">i2", 1, (LSB * 6.3894, -0.005)),
    ("v_battery", ">i2", 1, (LSB * 6.3617, 0.0318)),
    ("i_solar_panel", ">i2", 1, (LSB * 0.7171, 0.0768)),
    ("i_load", ">i2", 1, (LSB * 1.1442, -0.5254)),
    ("i_bus", ">i2", 1, (LSB * 0.8814, -9.4347)),
    ("sw_flag", "u1", 4, None),
    ("sta_q", ">i4", 4, (1 / 2147483647, 0)),
    ("sta_flag", "u1", 1, None),
    ("stb_q", ">i4", 4, (1 / 2147483647, 0)),
    ("stb_flag", "u1", 1, None),
    ("stc_q", ">i4", 4, (1 / 2147483647, 0)),
    ("stc_flag", "u1", 1, None),
    ("ss_x", ">u4", 1, None),
    ("ss_y", ">u4", 1, None),
    ("ss_flag", "u1", 1, None),
    *((f"fw{a}_{b}", ">i2", 1, (0.5, 0)) for a in "xyzs" for b in ("rate", "cmd")),
    ("gyro", ">i4", 3, (400 / 2147483647, 0)),
    ("tank_pressure", ">i2", 1, (LSB * 0.6528, -0.033)),
    ("aocs_period", "u1", 1, None),
    ("error_q", ">i2", 3, ("square", 1.0)),
    ("error_w", ">i2", 3, ("square", 180 / 3.1415926)),
    *((f"usb_{name}", "u1", 1, (5 / 256, 0)) for name in ("agc", "rf_power", "temp2")),
    *((f"usb_flag{k}", "u1", 1, None) for k in (1, 2)),
    *((f"usb_n_{name}", "u1", 1, None) for name in ("cmd", "direct_cmd")),
    *((f"usb_n_{name}", "u1", 1, None) for name in ("inject_cmd", "inject_cmd_err")),
    ("usb_n_sync", "u1", 1, None),
    *((f"t_{name}", ">i2", 1, ("a",)) for name in ("pl", "hsd", "obc", "stb", "ss")),
    ("t_battery", ">i2", 1, ("a",)),
    *((f"t_thrustor{k}a", ">i2", 1, ("b",)) for k in (1, 5)),
    *(
        (f"t_{name}", ">i2", 1, ("a",))
        for name in ("value1", "value5", "tube1", "tank")
    ),
    ("heater_flag", "u1", 5, None),
    *(
        field
        for side in "ab"
        for field in (
            (f"uv{side}_flag_rx", "u1", 1, None),
            (f"uv{side}_tx_gain", "u1", 1, None),
            (f"uv{side}_tx_modulation", "u1", 1, None),
            (f"uv{side}_flag_tx", "u1", 1, None),
            (f"uv{side}_fc_asm", ">i2", 1, (3.1416 / 32768, 0)),
            (f"uv{side}_snr_asm", ">u2", 1, (1 / 256, 0)),
            (f"uv{side}_rssi_asm", ">u2", 1, (0.1, -162)),
            (f"uv{side}_rssi_7021", "u1", 1, (0.5, -128)),
        )
    ),
]
B, C = 5289.94338, 292525.18393


def calibrate(raw, law):
    """Apply one law to numbers or arrays; outside the domain comes NaN."""
    if law[0] == "square":
        x = raw / 32767
        return x * abs(x) * law[1]
    if law[0] in ("a", "b"):
        volts = np.where((raw > 0) & (LSB * raw < 5), LSB * raw, np.nan)
        if law[0] == "a":
            log = np.log(2 * volts / (5 - volts))
            return 1 / (1 / 298.15 + log / 4100) - 273.1
        log = np.log(10000 * volts / (5 - volts))
        y = (B - np.sqrt(B**2 + 4 * C * (-4.77701 - log))) / (2 * C)
        return 1 / y - 273.15
    return raw * law[0] + law[1]


def make_packets(n, seed):
    """Make housekeeping packets of random bytes, temperatures within their domain."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (n, 200), dtype=np.uint8)
    counts = (np.arange(n) % 16384 | 0xC000).astype(">u2")
    rows[:, :2] = [0, 0xAC]
    rows[:, 2:4] = counts.view(np.uint8).reshape(-1, 2)
    rows[:, 4:7] = [0, 193, 0]
    warm = rng.integers(400, 800, (n, 12)).astype(">u2")
    rows[:, 149:173] = warm.view(np.uint8).reshape(n, -1)
    return rows.tobytes()


def calibrated(raw):
    """Make a DataFrame of raw arrays by name."""
    columns = {}
    for name, kind, size, law in HKWOD:
        values = raw[name].astype(np.dtype(kind).newbyteorder("="))
        values = values if law is None else calibrate(values.astype(np.float64), law)
        if size == 1:
            columns[name] = values
        else:
            columns |= {f"{name}_{k}": values[:, k] for k in range(size)}
    return pd.DataFrame(columns)


def with_structured_dtype(data):
    """Decode with a NumPy structured dtype: about the limit."""
    fields = [
        (name, kind, (size,) if size > 1 else ()) for name, kind, size, _ in HKWOD
    ]
    rows = np.frombuffer(data, dtype=np.dtype([("header", "V6"), *fields]))
    return calibrated(rows)


def with_construct(data):
    """Decode field by field with adapters of the package construct."""
    import construct

    kinds = {
        "u1": construct.Int8ub,
        ">i2": construct.Int16sb,
        ">u2": construct.Int16ub,
        ">i4": construct.Int32sb,
        ">u4": construct.Int32ub,
    }

    class Calibrated(construct.Adapter):
        def __init__(self, subcon, law):
            super().__init__(subcon)
            self.law = law

        def _decode(self, obj, context, path):
            return float(calibrate(obj, self.law))

    parts = [construct.Padding(6)]
    for name, kind, size, law in HKWOD:
        part = kinds[kind] if law is None else Calibrated(kinds[kind], law)
        parts.append(name / (construct.Array(size, part) if size > 1 else part))
    program = construct.Struct(*parts)
    packets = [program.parse(data[k : k + 200]) for k in range(0, len(data), 200)]
    columns = {}
    for name, _, size, _ in HKWOD:
        if size == 1:
            columns[name] = [getattr(packet, name) for packet in packets]
        for k in range(size if size > 1 else 0):
            columns[f"{name}_{k}"] = [getattr(packet, name)[k] for packet in packets]
    return pd.DataFrame(columns)


def with_ccsdspy(data):
    """Decode the raw values with ccsdspy, and calibrate as above."""
    import ccsdspy

    kinds = {"u": "uint", "i": "int"}
    fields = []
    for name, kind, size, _ in HKWOD:
        kind = np.dtype(kind)
        shape = {"array_shape": size} if size > 1 else {}
        make = ccsdspy.PacketArray if size > 1 else ccsdspy.PacketField
        bits = 8 * kind.itemsize
        fields.append(
            make(name=name, data_type=kinds[kind.kind], bit_length=bits, **shape)
        )
    raw = ccsdspy.FixedLength(fields).load(io.BytesIO(data))
    return calibrated(raw)


def seconds(functions, repeats):
    """Time functions in turn, so that a busy moment hits all of them: CPU seconds."""
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            gc.collect()
            start = time.process_time()
            function()
            taken[name].append(time.process_time() - start)
    return {name: float(np.median(each)) for name, each in taken.items()}


def check_equal(ours, reference, name):
    """Refuse to time what gives other values."""
    for column in reference:
        if column != "protocol":
            np.testing.assert_allclose(
                ours[column].to_numpy(np.float64),
                reference[column].to_numpy(np.float64),
                rtol=1e-11,
                atol=1e-11,
                err_msg=f"{name}: {column}",
            )


def time_decoding(options):
    """Print packets a second of every way to decode."""
    n = options.packets
    data = make_packets(n, options.seed)
    packets = read_packets(data)
    definitions = dslwp.definitions()
    ways = {
        "NumPy structured dtype": lambda: with_structured_dtype(data),
        "skdsn, packet table to DataFrame": lambda: decode_packets(
            packets, definitions
        ),
        "skdsn, bytes to DataFrame": lambda: decode_packets(
            read_packets(data), definitions
        ),
    }
    small = make_packets(options.slow_packets, options.seed)
    slow = {}
    os.environ.setdefault("CCSDSPY_CONFIGDIR", tempfile.mkdtemp())
    logging.getLogger("ccsdspy").setLevel(logging.ERROR)
    for package, name, function, some in (
        ("ccsdspy", "ccsdspy and NumPy", with_ccsdspy, data),
        ("construct", "construct, with adapters", with_construct, small),
    ):
        try:
            importlib.import_module(package)
        except ImportError:
            print(f"{package} is not installed, and left out.")
            continue
        check_equal(function(some), with_structured_dtype(some), name)
        (ways if some is data else slow)[name] = lambda f=function, d=some: f(d)
    reference = ways["NumPy structured dtype"]()
    check_equal(decode_packets(packets, definitions)["HKWOD"], reference, "skdsn")
    rates = {name: n / s for name, s in seconds(ways, options.repeats).items()}
    for name, taken in seconds(slow, 1).items():
        rates[name] = options.slow_packets / taken
    limit = rates["NumPy structured dtype"]
    for name, rate in rates.items():
        print(f"{name:<34} {rate / 1e3:8.1f} k packets/s  {rate / limit:7.2%} of NumPy")
    if slow:
        ours = rates["skdsn, packet table to DataFrame"]
        print(f"skdsn / construct: {ours / rates[next(iter(slow))]:.0f} x")


def make_frames(n_frames, seed):
    """Make TM frames of 1115 bytes full of packets of 200 bytes, as one file."""
    spec = FrameSpec("tm", length=1115, fecf=True)
    packets = read_packets(make_packets(n_frames * 1107 // 200, seed))
    frames = encode_frames(packets, spec, spacecraft_id=42)
    return b"".join(frames["data"]), spec


def time_frames(options):
    """Print frames and packets a second."""
    data, spec = make_frames(options.frames, options.seed)
    unchecked = FrameSpec("tm", length=1115, ocf=False, trailer=0)
    n_frames = len(data) // 1115
    pieces = list(iter_frames(data, spec))
    n_packets = 0

    def extract():
        nonlocal n_packets
        extractor = PacketExtractor(spec)
        n_packets = sum(len(extractor.update(piece)) for piece in pieces)
        n_packets += len(extractor.finish())

    def bare():
        stream = b"".join(data[k + 6 : k + 1113] for k in range(0, len(data), 1115))
        return [stream[k : k + 200] for k in range(0, len(stream), 200)]

    taken = seconds(
        {
            "headers": lambda: sum(len(each) for each in iter_frames(data, unchecked)),
            "headers and CRC": lambda: sum(
                len(each) for each in iter_frames(data, spec)
            ),
            "packets": extract,
            "bare": bare,
        },
        options.repeats,
    )
    for name in ("headers", "headers and CRC"):
        rate = n_frames / taken[name]
        print(f"{name:<34} {rate / 1e3:8.0f} k frames/s")
    rate = n_packets / taken["packets"]
    print(f"{'frame table to packet table':<34} {rate / 1e3:8.0f} k packets/s")
    print(
        f"all, / cutting and joining alone: "
        f"{(taken['headers'] + taken['packets']) / taken['bare']:.1f} x"
    )


def run_through(path):
    """Take a file of frames to packets, and print the peak memory."""
    spec = FrameSpec("tm", length=1115, fecf=True)
    extractor = PacketExtractor(spec)
    n = sum(len(extractor.update(frames)) for frames in iter_frames(path, spec))
    n += len(extractor.finish())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = Path(path).stat().st_size / 1e6
    print(f"{size:6.0f} MB: {n:,} packets, peak {peak:.0f} MB", flush=True)


def measure_memory(options):
    """Print the peak memory of a small file and of a large one."""
    data, _ = make_frames(8_960, options.seed)  # counts go on from the end to the start
    with tempfile.TemporaryDirectory() as folder:
        for times in (10, 100):
            path = Path(folder) / f"{times}.tm"
            with path.open("wb") as file:
                for _ in range(times):
                    file.write(data)
            subprocess.run([sys.executable, __file__, "file", str(path)], check=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["decode", "frames", "memory", "file"])
    parser.add_argument("path", nargs="?", help="of the choice 'file'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5, help="the median is taken")
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--slow-packets", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=100_000)
    options = parser.parse_args()
    if options.what == "file":
        run_through(options.path)
        return
    print(
        f"skdsn {skdsn.__version__}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}; seed {options.seed}"
    )
    {"decode": time_decoding, "frames": time_frames, "memory": measure_memory}[
        options.what
    ](options)


if __name__ == "__main__":
    main()
