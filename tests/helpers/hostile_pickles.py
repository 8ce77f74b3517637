"""Hostile pickles with the expected error of each."""

from __future__ import annotations

from typing import NamedTuple

from tests.helpers.pickle_assembler import (
    ONE,
    PROTO2,
    PROTO4,
    array,
    blob,
    call,
    dtype,
    empty_array,
    line_symbol,
    number,
    state_dict,
    symbol,
    text,
)

CANARY = "canary"
COMMAND = f"touch {CANARY}"


class Hostile(NamedTuple):
    content: bytes
    names: str  # the global, opcode or limit that the message must name
    offset: int | None = None  # the position that the message must name
    code: str = "unsafe-pickle"


ATTACKS = {
    "os.system by GLOBAL": Hostile(
        PROTO2 + b"cos\nsystem\nX\x0c\x00\x00\x00touch canary\x85R.", "os.system", 2
    ),
    "os.system by STACK_GLOBAL": Hostile(PROTO4 + call("os", "system", COMMAND) + b".", "os.system", 14),
    "os.system in protocol 0": Hostile(f"cos\nsystem\n(S'{COMMAND}'\ntR.".encode(), "os.system", 0),
    "os.system as the value of a parameter": Hostile(
        state_dict(w=ONE, x=call("os", "system", COMMAND)), "os.system"
    ),
    "os.system behind an alias in the memo": Hostile(
        PROTO4 + text("os") + b"\x94" + text("system") + b"\x94" + b"00" + b"h\x00h\x01\x93.", "POP"
    ),
    "posix.system, what os.system is on Linux": Hostile(
        PROTO4 + call("posix", "system", COMMAND) + b".", "posix"
    ),
    "builtins.eval through REDUCE": Hostile(
        PROTO4 + call("builtins", "eval", f"__import__('os').system('{COMMAND}')") + b".", "builtins.eval"
    ),
    "a chain of getattr": Hostile(PROTO4 + symbol("builtins", "getattr") + b".", "builtins.getattr"),
    "an allowed class with an attribute appended": Hostile(
        PROTO4 + symbol("collections", "OrderedDict.fromkeys") + b".", "collections.OrderedDict.fromkeys"
    ),
    "copyreg._reconstructor": Hostile(PROTO4 + symbol("copyreg", "_reconstructor") + b".", "copyreg"),
    "REDUCE of numpy.ndarray itself": Hostile(
        PROTO4 + symbol("numpy", "ndarray") + number(9) + b"\x85\x85R.", "calling numpy.ndarray"
    ),
    "REDUCE of a text": Hostile(PROTO4 + text("os") + text("x") + b"\x85R.", "calling a text"),
    "_codecs.encode with another codec": Hostile(
        PROTO4 + call("_codecs", "encode", "x", "zip_codec") + b".", "calling _codecs.encode"
    ),
    "a subclass asked of _reconstruct": Hostile(
        PROTO4
        + symbol("numpy.core.multiarray", "_reconstruct")
        + symbol("numpy", "dtype")
        + number(0)
        + b"\x85C\x01b\x87R.",
        "calling numpy.core.multiarray._reconstruct",
    ),
    "BUILD with __setstate__ on a global": Hostile(
        PROTO4 + symbol("numpy", "ndarray") + b"}" + text("__setstate__") + symbol("numpy", "dtype") + b"sb.",
        "BUILD on numpy.ndarray",
    ),
    "BUILD with attributes on an array": Hostile(
        PROTO4 + empty_array() + b"}" + text("__class__") + text("x") + b"sb.",
        "BUILD on an array with a dictionary",
    ),
    "BUILD on an array a second time": Hostile(
        state_dict(w=ONE + b"(" + number(1) + b")" + dtype() + b"\x89" + blob(b"\0\0\0\0") + b"tb"),
        "BUILD on an array",
    ),
    "BUILD on a dictionary": Hostile(PROTO4 + b"}" + b")b.", "BUILD on a dictionary"),
    "an array of Python objects": Hostile(
        state_dict(w=array((1,), b"\0" * 8, kind=dtype("O8", "|"))), "objects"
    ),
    "a structured dtype": Hostile(
        PROTO4
        + symbol("numpy", "dtype")
        + text("f4")
        + b"\x89\x88\x87R("
        + number(3)
        + text("<")
        + b"N"
        + text("names")
        + b"N"
        + number(-1)
        + number(-1)
        + number(0)
        + b"tb.",
        "BUILD on a dtype",
    ),
    "persistent id, text": Hostile(PROTO2 + b"Pos.system\n.", "PERSID", 2),
    "persistent id, binary": Hostile(PROTO4 + text("x") + b"Q.", "BINPERSID"),
    "extension registry, one byte": Hostile(PROTO2 + b"\x82\x01.", "EXT1", 2),
    "extension registry, two bytes": Hostile(PROTO2 + b"\x83\x01\x00.", "EXT2", 2),
    "extension registry, four bytes": Hostile(PROTO2 + b"\x84\x01\x00\x00\x00.", "EXT4", 2),
    "out-of-band buffer": Hostile(b"\x80\x05\x97.", "NEXT_BUFFER", 2),
    "read-only buffer": Hostile(b"\x80\x05C\x01x\x98.", "READONLY_BUFFER", 5),
    "NEWOBJ": Hostile(PROTO4 + symbol("numpy", "ndarray") + b")\x81.", "NEWOBJ"),
    "NEWOBJ_EX": Hostile(PROTO4 + symbol("numpy", "ndarray") + b")}\x92.", "NEWOBJ_EX"),
    "OBJ": Hostile(PROTO2 + b"(" + line_symbol("numpy", "ndarray") + b"o.", "OBJ"),
    "an opcode that does not exist": Hostile(PROTO4 + b"\xff.", "0xff", 2),
    "an unknown protocol": Hostile(b"\x80\x06N.", "protocol 6", 0),
    "an undefined memo entry": Hostile(PROTO4 + b"h\x07.", "memo entry 7", 2),
    "SETITEMS without a dictionary": Hostile(PROTO4 + b"N(u.", "SETITEMS"),
    "SETITEMS with an odd number of values": Hostile(PROTO4 + b"}(" + text("w") + b"u.", "SETITEMS"),
    "values left on the stack": Hostile(PROTO4 + b"N}.", "left on the stack"),
    "an empty stack at STOP": Hostile(PROTO4 + b".", "the stack has 0", 2),
    "a key that is a number": Hostile(PROTO4 + b"}" + number(1) + ONE + b"s.", "not text"),
    "a key that is a tuple": Hostile(PROTO4 + b"}" + number(1) + b"\x85" + ONE + b"s.", "not text"),
    "the same key twice": Hostile(
        state_dict(w=ONE + text("w") + ONE), "'w' occurs twice", code="weights-malformed"
    ),
    "text that is not UTF-8": Hostile(
        PROTO4 + b"}\x8c\x01\xff" + ONE + b"s.", "UTF-8", code="weights-malformed"
    ),
    "a name with a terminal escape sequence": Hostile(
        state_dict(**{"\x1b[2Jw": ONE}), r"\x1b[2Jw", code="weights-malformed"
    ),
    "a second pickle after the first": Hostile(
        state_dict(w=ONE) + PROTO4 + call("os", "system", COMMAND) + b".",
        "follow the end",
        code="weights-malformed",
    ),
    "internal names that are arrays": Hostile(
        state_dict(**{"w": ONE, "StructuredToParameterName@@": b"}" + text("w") + ONE + b"s"}),
        "StructuredToParameterName",
        code="weights-malformed",
    ),
    "an array without content": Hostile(state_dict(w=empty_array()), "no content", code="weights-malformed"),
    "more bytes than the shape needs": Hostile(
        state_dict(w=array((1,), b"\0" * 8)), "does not match its shape", code="weights-malformed"
    ),
    "floats without a byte order": Hostile(
        state_dict(w=array((1,), b"\0" * 4, kind=dtype("f4", "|"))), "byte order |"
    ),
    "bytes with a byte order": Hostile(
        state_dict(w=array((1,), b"\0", kind=dtype("i1", ">"))), "byte order >"
    ),
    "a negative extent": Hostile(state_dict(w=array((-1,), b"")), "unusable"),
}

BOMBS = {
    "a 10 GB header": Hostile(
        state_dict(w=array((2500, 1000, 1000), b"\0" * 16)),
        "does not match its shape",
        code="weights-malformed",
    ),
    "a 10 GB text that is not there": Hostile(
        PROTO2 + b"X\xff\xff\xff\xff", "BINUNICODE", code="weights-truncated"
    ),
    "2 to the 64 bytes that are not there": Hostile(
        b"\x80\x05\x96" + b"\xff" * 8, "BYTEARRAY8", code="weights-truncated"
    ),
    "a frame longer than the file": Hostile(
        PROTO4 + b"\x95" + b"\xff" * 7 + b"\x00N.", "frame", code="weights-truncated"
    ),
    "extents whose product overflows": Hostile(
        state_dict(w=array((2**31 - 1,) * 12 + (0,), b"")), "unusable"
    ),
    "33 extents": Hostile(state_dict(w=array((1,) * 33, b"\0" * 4)), "a tuple of 33"),
    "marks 10 000 deep": Hostile(PROTO4 + b"(" * 10_000 + b"t" * 10_000 + b".", "nesting", 10),
    "tuples 10 000 deep": Hostile(PROTO4 + b")" + b"\x85" * 10_000 + b".", "nested"),
    "dictionaries 10 000 deep": Hostile(
        PROTO4 + b"}" + (text("k") + b"}") * 10_000 + b"s" * 10_000 + b".", "more than 4096"
    ),
    "dictionaries 10 000 deep through the memo": Hostile(
        PROTO4
        + b"}\x94"
        + b"".join(b"}" + text("k") + b"j" + i.to_bytes(4, "little") + b"s\x94" for i in range(999))
        + b".",
        "left on the stack",
    ),
    "lists 10 000 deep": Hostile(PROTO4 + b"]" * 10_000 + b"a" * 10_000 + b".", "EMPTY_LIST", 2),
    "a dictionary that holds itself": Hostile(
        PROTO4 + b"}\x94" + text("me") + b"h\x00s.", "'me' is a dictionary", code="weights-unsupported"
    ),
    "duplicates that double 10 000 times": Hostile(PROTO4 + text("x") + b"2" * 10_000 + b"t.", "DUP"),
    "tuples of tuples of the memo (billion laughs)": Hostile(
        PROTO4
        + b")"
        + b"".join(b"\x94h" + bytes([i]) + b"h" + bytes([i]) + b"\x87" for i in range(60))
        + b".",
        "nested",
    ),
    "one long text encoded 10 000 times": Hostile(
        PROTO4
        + b"X\x00\x00\x10\x00"
        + b"x" * 2**20
        + b"\x94"
        + (symbol("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 3000
        + b".",
        "repeated decoding",
    ),
    "text that would grow fourfold in memory": Hostile(
        PROTO2 + b"X\x00\x00\x00\x02" + "😀".encode() * (1 << 23) + b".",
        "long text",
        code="weights-unsupported",
    ),
    "text that is not Latin-1 as array bytes": Hostile(
        PROTO4
        + symbol("_codecs", "encode")
        + b"X\x00\x00\x10\x00"
        + "😀".encode() * (1 << 18)
        + text("latin1")
        + b"\x86R.",
        "not Latin-1",
    ),
    "one array under 1500 names": Hostile(
        PROTO4
        + b"}("
        + text("w")
        + array((2**16,), b"\0" * 2**18)
        + b"\x94"
        + b"".join(text(f"w{i}") + b"h\x00" for i in range(1500))
        + b"u.",
        "repeat the same bytes",
        code="weights-too-large",
    ),
    "instructions without end": Hostile(PROTO4 + b"N\x94h\x000" * 100_000, "POP"),
    "a million numbers": Hostile(PROTO4 + b"N" * 1_000_000, "more than 4096"),
    "a million harmless instructions": Hostile(
        PROTO4 + b"}" + b"\x94" * 1_000_000 + b".", "too many instructions", code="weights-too-large"
    ),
}

# Bypasses of pickle scanners, from their advisories and issue trackers. A scanner has a list of bad globals;
# this reader has a list of the allowed ones, so every bypass fails in the same way.
BYPASSES = {
    "CVE-2025-1716 pip is not on the list": Hostile(
        PROTO4 + call("pip", "main", "install") + b".", "pip.main"
    ),
    "CVE-2025-10157 a submodule of a listed module": Hostile(
        PROTO4 + symbol("asyncio.unix_events", "_UnixSubprocessTransport._start") + b".",
        "asyncio.unix_events",
    ),
    "CVE-2026-56315 private helpers of the standard library": Hostile(
        PROTO4 + call("uuid", "_get_command_stdout", "touch", CANARY) + b".", "uuid._get_command_stdout"
    ),
    "GHSA-vvpj-8cmc-gx39 pkgutil.resolve_name reaches everything": Hostile(
        PROTO4 + call("pkgutil", "resolve_name", "os:system") + text(COMMAND) + b"\x85R.",
        "pkgutil.resolve_name",
    ),
    "GHSA-g38g-8gr9-h9xp sibling: importlib.import_module": Hostile(
        PROTO4 + call("importlib", "import_module", "os") + b".", "importlib.import_module"
    ),
    "GHSA-9gvj-pp9x-gcfr a broken tail hides what ran before": Hostile(
        PROTO4 + call("os", "system", COMMAND) + b"h\x63\x93\xff", "os.system"
    ),
    "GHSA-m273-6v24-x4m4 operator.attrgetter": Hostile(
        PROTO4 + call("operator", "attrgetter", "system") + b".", "operator.attrgetter"
    ),
    "GHSA-955r-x9j8-7rhh _operator.methodcaller": Hostile(
        PROTO4 + call("_operator", "methodcaller", "system", COMMAND) + b".", "_operator.methodcaller"
    ),
    "GHSA-46h3-79wf-xr6c profile.run": Hostile(PROTO4 + call("profile", "run", "1") + b".", "profile.run"),
    "GHSA-9w88-8rmg-7g2p cProfile.runctx": Hostile(
        PROTO4 + symbol("cProfile", "runctx") + b".", "cProfile.runctx"
    ),
    "GHSA-fqq6-7vqf-w3fg doctest.debug_script": Hostile(
        PROTO4 + call("doctest", "debug_script", "1") + b".", "doctest.debug_script"
    ),
    "GHSA-84r2-jw7c-4r5q a pickle inside a pickle": Hostile(
        PROTO4 + symbol("_pickle", "loads") + blob(PROTO4 + call("os", "system", COMMAND) + b".") + b"\x85R.",
        "_pickle",
    ),
    "GHSA-3gf5-cxq9-w223 idlelib.pyshell": Hostile(
        PROTO4 + symbol("idlelib.pyshell", "ModifiedInterpreter.runcode") + b".", "idlelib.pyshell"
    ),
    "GHSA-xp4f-hrf8-rxw7 ensurepip._run_pip": Hostile(
        PROTO4 + symbol("ensurepip", "_run_pip") + b".", "ensurepip"
    ),
    "GHSA-f745-w6jp-hpxx torch.utils.collect_env.run": Hostile(
        PROTO4 + call("torch.utils.collect_env", "run", COMMAND) + b".", "torch.utils.collect_env.run"
    ),
    "GHSA-6ggj-6f2q-f7mx a subinterpreter": Hostile(
        PROTO4 + call("_interpreters", "create") + b".", "_interpreters"
    ),
    "GHSA-mhc9-48gj-9gp3 a BUILD at the end": Hostile(
        PROTO4 + call("smtplib", "SMTP", "localhost") + b"}b.", "smtplib.SMTP"
    ),
    "fickling: the result of the call is popped": Hostile(
        PROTO4 + call("os", "system", COMMAND) + b"0}.", "os.system"
    ),
    "fickling #322 an opcode the scanner lacks comes first": Hostile(
        b"}F1.0\n" + line_symbol("os", "system") + text(COMMAND) + b"\x85R.", "FLOAT", 1
    ),
    "modelaudit #623 EXT1 then REDUCE": Hostile(PROTO2 + b"\x82\x2a" + text(COMMAND) + b"\x85R.", "EXT1"),
    "picklescan #13 INST instead of GLOBAL": Hostile(
        PROTO2 + b"(" + text(COMMAND) + b"ios\nsystem\n.", "INST"
    ),
    "picklescan #14 PUT and MEMOIZE disagree": Hostile(
        PROTO4
        + text("os")
        + b"q\x00"
        + text("system")
        + b"q\x01"
        + text("numpy")
        + b"\x94"
        + text("dtype")
        + b"\x94"
        + b"h\x00h\x01\x93"
        + text(COMMAND)
        + b"\x85R.",
        "os.system",
    ),
    "picklescan #22 a memo entry written over": Hostile(
        PROTO4 + text("numpy") + b"q\x00" + text("os") + b"q\x00" + b"h\x00" + text("system") + b"\x93.",
        "os.system",
    ),
    "modelscan #85 attributes set on an allowed function": Hostile(
        PROTO4 + symbol("numpy", "prod") + b"N}" + text("a") + text("os") + b"s\x86b.", "numpy.prod"
    ),
    "modelscan #85 a dotted name under an allowed module": Hostile(
        PROTO2 + line_symbol("numpy", "ndarray.a") + b".", "numpy.ndarray.a", 2
    ),
    "modelscan #330 builtins by way of numpy": Hostile(
        PROTO4 + symbol("numpy", "__builtins__") + b".", "numpy.__builtins__"
    ),
    "modelscan #338 STACK_GLOBAL of bytes": Hostile(
        PROTO4 + b"C\x02os" + b"C\x06system" + b"\x93.", "STACK_GLOBAL"
    ),
    "modelscan #338 STACK_GLOBAL of a bytearray": Hostile(
        b"\x80\x05" + text("os") + b"\x96\x06\0\0\0\0\0\0\0system" + b"\x93.", "STACK_GLOBAL"
    ),
    "modelscan #338 STACK_GLOBAL of a number": Hostile(
        PROTO4 + number(42) + text("os") + b"\x93.", "STACK_GLOBAL"
    ),
    "numpy.core.multiarray.scalar unpickles objects": Hostile(
        PROTO4 + symbol("numpy.core.multiarray", "scalar") + b".", "numpy.core.multiarray.scalar"
    ),
    "numpy.f2py.crackfortran.getlincoef evaluates": Hostile(
        PROTO4 + call("numpy.f2py.crackfortran", "getlincoef", COMMAND) + b".", "numpy.f2py.crackfortran"
    ),
    "numpy.testing runs text": Hostile(
        PROTO4 + call("numpy.testing._private.utils", "runstring", "1") + b".", "runstring"
    ),
    "paddle's own DenseTensor reduction is eval": Hostile(
        PROTO4 + call("builtins", "eval", "data") + b".", "builtins.eval"
    ),
}

EVERYTHING = ATTACKS | BOMBS | BYPASSES
