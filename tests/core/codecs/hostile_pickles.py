"""Pickles that would touch a file if a loader ran them, each shape by name."""

from __future__ import annotations

import pickle
import struct
from typing import Any


def text(value: str) -> bytes:
    """A string on the stack."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def named(module: str, name: str) -> bytes:
    """A global on the stack, as protocol 4 has it: the name may have dots."""
    return text(module) + text(name) + b"\x93"


def called(function: bytes, *arguments: bytes) -> bytes:
    """What a call returns."""
    return function + b"(" + b"".join(arguments) + b"tR"


def whole(body: bytes, protocol: int = 4) -> bytes:
    """A pickle of that body."""
    return b"\x80" + bytes([protocol]) + body + b"."


def dictionary(**items: bytes) -> bytes:
    """A dictionary on the stack."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def payloads(canary: str) -> dict[str, bytes]:
    """Every payload, by what it tries."""
    command = f"touch {canary}"
    return {
        **_calls(canary, command),
        **_opcodes(command),
        **_through_libraries(canary, command),
        **_by_state(command),
        **_by_memory(),
        **_lies(command),
    }


def _calls(canary: str, command: str) -> dict[str, bytes]:
    code = text(f"open({canary!r}, 'w').close()")
    functions: dict[str, tuple[str, str, tuple[bytes, ...]]] = {
        "os.system": ("os", "system", (text(command),)),
        "posix.system": ("posix", "system", (text(command),)),
        "exec": ("builtins", "exec", (code,)),
        "eval": ("builtins", "eval", (text(f"open({canary!r}, 'w')"),)),
        "open": ("builtins", "open", (text(canary), text("w"))),
        "subprocess.call": (
            "subprocess",
            "call",
            (text(command), b"I1\n", b"N", b"N", b"N", b"N", b"N", b"\x88", b"\x88"),
        ),
        "subprocess.getoutput": ("subprocess", "getoutput", (text(command),)),
        "os.popen": ("os", "popen", (text(command),)),
        "pathlib touch": ("pathlib", "Path.touch", (called(named("pathlib", "Path"), text(canary)),)),
        "timeit": ("timeit", "timeit", (code, text("pass"), b"N", b"I1\n")),
        "code": ("code", "InteractiveInterpreter.runsource", (called(named("code", "InteractiveInterpreter")), code)),
        "profile": ("cProfile", "run", (code,)),
        "pdb": ("bdb", "Bdb.run", (called(named("bdb", "Bdb")), code)),
        "runpy": ("runpy", "_run_code", (called(named("builtins", "compile"), code, text("x"), text("exec")), b"}")),
        "doctest": ("doctest", "exec", (code,)),
        "shutil.copy": ("shutil", "copy", (text("/dev/null"), text(canary))),
        "io.open": ("io", "open", (text(canary), text("w"))),
        "os.open": ("os", "open", (text(canary), b"I65\n")),
        "os.mkdir": ("os", "mkdir", (text(canary),)),
        "logging file": ("logging", "FileHandler", (text(canary),)),
        "sqlite": ("sqlite3", "connect", (text(canary),)),
        "shelve": ("dbm.dumb", "open", (text(canary), text("n"))),
        "tempfile": ("tempfile", "mkdtemp", (text("x"), text("y"), text(canary))),
        "webbrowser": ("webbrowser", "open", (text("file:///" + canary),)),
        "importlib": ("importlib", "import_module", (text("antigravity"),)),
        "__import__": ("builtins", "__import__", (text("antigravity"),)),
    }
    return {name: whole(called(named(module, each), *args)) for name, (module, each, args) in functions.items()}


def _opcodes(command: str) -> dict[str, bytes]:
    old = command.encode()
    system = named("os", "system")
    loads = called(
        named("pickle", "loads"),
        b"B" + struct.pack("<I", 30 + len(old)) + b"cos\nsystem\n(S'" + old + b"'\ntR." + b" " * 11,
    )
    return {
        "protocol 0": b"cos\nsystem\n(S'" + old + b"'\ntR.",
        "protocol 1": b"cos\nsystem\n(U" + bytes([len(old)]) + old + b"tR.",
        "protocol 2 python 2 name": b"\x80\x02c__builtin__\neval\n(" + text("1") + b"tR.",
        "INST": b"(S'" + old + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + old + b"'\no.",
        "NEWOBJ": whole(named("subprocess", "Popen") + b"(" + text(command) + b"t\x81"),
        "NEWOBJ_EX": whole(
            named("subprocess", "Popen") + b"(t" + dictionary(args=text(command), shell=b"\x88") + b"\x92"
        ),
        "memo": whole(system + b"\x940" + b"h\x00" + text(command) + b"\x85R"),
        "memo far away": whole(
            system + b"r" + struct.pack("<I", 70_000) + b"0j" + struct.pack("<I", 70_000) + text(command) + b"\x85R"
        ),
        "name from the memo": whole(
            text("os") + b"\x94" + text("system") + b"\x9400h\x00h\x01\x93" + text(command) + b"\x85R"
        ),
        "frame": b"\x80\x04\x95" + struct.pack("<Q", len(system)) + system + text(command) + b"\x85R.",
        "nested pickle": whole(loads),
        "in a list": whole(b"](" + called(system, text(command)) + b"e"),
        "as a key": whole(b"}(" + called(system, text(command)) + b"Nu"),
        "as an argument": whole(called(named("builtins", "set"), called(system, text(command)))),
        "popped": whole(called(system, text(command)) + b"0N"),
        "behind a mark": whole(b"(" + called(system, text(command)) + b"1N"),
        "in a state": whole(
            called(named("sklearn.linear_model._base", "LinearRegression"))
            + dictionary(x=called(system, text(command)))
            + b"b"
        ),
        "persistent id": b"Pos.system\n.",
        "persistent id on the stack": whole(called(system, text(command)) + b"Q"),
        "extension": whole(b"\x82\x7f" + text(command) + b"\x85R"),
        "extension of two bytes": whole(b"\x83" + struct.pack("<H", 0x7F) + text(command) + b"\x85R"),
        "extension of four bytes": whole(b"\x84" + struct.pack("<i", 0x7F) + text(command) + b"\x85R"),
        "buffer as a callable": whole(b"\x97" + text(command) + b"\x85R", 5),
    }


def _through_libraries(canary: str, command: str) -> dict[str, bytes]:
    system = named("os", "system")
    code = text(f"open({canary!r}, 'w').close()")
    pair = b"(" + system + text(command) + b"t"
    distribution = named("scipy.stats._continuous_distns", "norm_gen") + b")\x81"
    state = dictionary(_parse_arg_template=code, badvalue=b"N", _ctor_param=b"}")
    return {
        "dots through pandas": whole(called(named("pandas.io.common", "os.system"), text(command))),
        "dots through numpy": whole(called(named("numpy.ctypeslib", "os.system"), text(command))),
        "dots through sklearn": whole(called(named("sklearn.utils._testing", "os.system"), text(command))),
        "dots to a method": whole(
            called(named("pandas", "DataFrame.to_csv"), called(named("pandas", "DataFrame")), text(canary))
        ),
        "dots to the globals": whole(called(named("sklearn.base", "clone.__globals__.get"), text("os"))),
        "numpy.memmap": whole(called(named("numpy", "memmap"), text(canary), text("u1"), text("w+"), b"I0\n", b"I1\n")),
        "numpy.save": whole(called(named("numpy", "save"), text(canary), b"I1\n")),
        "numpy.savetxt": whole(called(named("numpy", "savetxt"), text(canary), b"](I1\ne")),
        "numpy runstring": whole(called(named("numpy.testing._private.utils", "runstring"), code, b"}")),
        "numpy vectorize": whole(called(called(named("numpy", "vectorize"), system), text(command))),
        "numpy apply": whole(called(named("numpy", "apply_along_axis"), system, b"I0\n", text(command))),
        "numpy fromfunction": whole(called(named("numpy", "fromfunction"), system, b"(I1\nt")),
        "numpy ufunc reconstruct": whole(
            called(named("numpy._core", "_ufunc_reconstruct"), text("os"), text("system"))
        ),
        "pandas eval": whole(called(named("pandas", "eval"), text("__import__('os')"))),
        "pandas read_pickle": whole(called(named("pandas", "read_pickle"), text(canary))),
        "pandas to_pickle": whole(called(named("pandas", "to_pickle"), b"N", text(canary))),
        "pandas HDFStore": whole(called(named("pandas", "HDFStore"), text(canary))),
        "pandas apply": whole(
            called(
                named("pandas", "Series.apply"), called(named("pandas", "Series"), b"](" + text(command) + b"e"), system
            )
        ),
        "scipy distribution": whole(distribution + state + b"b"),
        "sklearn transformer": whole(
            called(named("sklearn.preprocessing._function_transformer", "FunctionTransformer"), system)
        ),
        "sklearn download": whole(called(named("sklearn.datasets", "fetch_openml"), text("x"))),
        "joblib.load": whole(called(named("joblib", "load"), text(canary))),
        "joblib.dump": whole(called(named("joblib", "dump"), b"N", text(canary))),
        "random state": whole(called(named("numpy.random._pickle", "__randomstate_ctor"), text(command), system)),
        "default of a dictionary": whole(called(named("collections", "defaultdict"), system)),
        "partial": whole(called(called(named("functools", "partial"), system, text(command)))),
        "reduce": whole(called(named("functools", "reduce"), system, b"](" + text(command) + text("") + b"e")),
        "map": whole(
            called(named("builtins", "list"), called(named("builtins", "map"), system, b"](" + text(command) + b"e"))
        ),
        "getattr": whole(
            called(
                called(
                    named("builtins", "getattr"), called(named("builtins", "__import__"), text("os")), text("system")
                ),
                text(command),
            )
        ),
        "methodcaller": whole(
            called(
                called(named("operator", "methodcaller"), text("system"), text(command)),
                named("builtins", "__import__"),
            )
        ),
        "operator call": whole(called(named("operator", "call"), system, text(command))),
        "starmap": whole(
            called(
                named("builtins", "list"),
                called(named("itertools", "starmap"), system, b"](" + b"(" + text(command) + b"te"),
            )
        ),
        "atexit": whole(called(named("atexit", "register"), system, text(command))),
        "thread": whole(called(named("_thread", "start_new_thread"), system, b"(" + text(command) + b"t")),
        "finalizer": whole(
            called(named("weakref", "finalize"), called(named("builtins", "set")), system, text(command))
        ),
        "new type": whole(
            called(named("builtins", "type"), text("T"), b")", dictionary(__setstate__=system))
            + b")\x81"
            + text(command)
            + b"b"
        ),
        "copyreg": whole(
            called(named("copyreg", "_reconstructor"), named("subprocess", "Popen"), named("builtins", "object"), b"N")
        ),
        "pair in a list": whole(b"](" + pair + b"e"),
        "ctypes": whole(called(named("ctypes", "CDLL"), b"N")),
        "marshal": whole(called(named("marshal", "loads"), b"C\x01N")),
        "skops loads": whole(called(named("skops.io", "loads"), b"C\x01N")),
        "our own loader": whole(called(named("omcore.objects.codecs.loaders.pickles", "load"), b"C\x01N")),
        "our own trust": whole(called(named("omcore.objects.codecs.base", "Trust"), b"\x88")),
    }


def _by_state(command: str) -> dict[str, bytes]:
    system = named("os", "system")
    regression = named("sklearn.linear_model._base", "LinearRegression")
    return {
        "method of a known class": whole(regression + b"N" + dictionary(predict=system) + b"\x86b"),
        "harmless method of a known class": whole(
            regression + b"N" + dictionary(predict=named("numpy", "mean")) + b"\x86b"
        ),
        "dict of a known class": whole(regression + dictionary(predict=named("numpy", "mean")) + b"b"),
        "defaults of a known function": whole(named("numpy", "mean") + b"N" + dictionary(__defaults__=b"N") + b"\x86b"),
        "known class in the memo": whole(
            regression + b"\x94" + b"N" + dictionary(fit=named("numpy", "mean")) + b"\x86b"
        ),
        "command in a state": whole(called(system, text(command)) + b"}b"),
    }


def _by_memory() -> dict[str, bytes]:
    dtype = called(named("numpy", "dtype"), text("V8"), b"\x89", b"\x88")
    ours = called(named("omcore.objects.codecs.loaders.making", "make_dtype"), text("|V8"))
    objects = called(named("omcore.objects.codecs.loaders.making", "make_dtype"), text("O"))
    state = b"(I3\n" + text("|") + b"(" + objects + b"(I1\ntt" + b"NNI8\nI1\nI0\nt"
    pointer = b"C\x08\x10\x00\x00\x00\x00\x00\x00\x00"
    array = named("numpy", "ndarray")
    our_array = named("omcore.objects.codecs.loaders.making", "make_array")
    return {
        "array of objects from bytes": whole(called(array, b"(I1\nt", text("O"), pointer)),
        "array of objects from bytes, made anew": whole(array + b"((I1\nt" + text("O") + pointer + b"t\x81"),
        "array by an index of pandas": whole(
            called(
                named("pandas.core.indexes.base", "_new_Index"),
                array,
                dictionary(shape=b"(I1\nt", dtype=text("O"), buffer=pointer),
            )
        ),
        "state of a dtype": whole(dtype + state + b"b"),
        "state of our dtype": whole(ours + state + b"b"),
        "state of our array": whole(
            called(our_array, pointer, text("<i8"), b"(I1\nt", text("C"))
            + b"(I1\n(I1\nt"
            + objects
            + b"\x89"
            + pointer
            + b"tb"
        ),
        "our array of objects": whole(called(our_array, pointer, text("|O"), b"(I1\nt", text("C"))),
        "our array that is too long": whole(called(our_array, pointer, text("<i8"), b"(I9\nt", text("C"))),
        "our array of negative length": whole(called(our_array, pointer, text("<i8"), b"(I-1\nt", text("C"))),
        "our scalar of objects": whole(
            called(named("omcore.objects.codecs.loaders.making", "make_scalar"), pointer, text("|O"))
        ),
        "numpy scalar of objects": whole(called(named("numpy._core.multiarray", "scalar"), dtype, pointer)),
        "numpy frombuffer": whole(
            called(named("numpy._core.numeric", "_frombuffer"), pointer, dtype, b"(I1\nt", text("C"))
        ),
    }


def _lies(command: str) -> dict[str, bytes]:
    body = called(named("os", "system"), text(command))
    return {
        "a buffer that is not there": whole(b"\x97" + body, 5),
        "a read-only buffer of nothing": whole(b"N\x98" + body, 5),
        "an unknown protocol": whole(body, 77),
        "no end": b"\x80\x04" + body,
        "two ends": whole(body) + whole(body),
        "a long memo": whole(b"Nr\xff\xff\xff\x7f" + body),
        "a long string": whole(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f" + body),
        "a frame that is too long": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + body + b".",
        "deep": whole(b"(" * 20_000 + body),
        "deep tuples": whole(b"N" + b"\x85" * 200_000 + b"0" + body),
    }


class Runs:
    """Pickled, it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        import os

        return os.system, (self.command,)


def in_an_estimator(canary: str) -> bytes:
    """A real estimator that holds something hostile."""
    from sklearn.linear_model import LinearRegression

    estimator = LinearRegression()
    estimator.extra = Runs(f"touch {canary}")
    return pickle.dumps(estimator, 5)
