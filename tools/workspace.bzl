"""Repositories that are made of what the machine has, for building offline."""

# Those that Bazel's own tools load, and proto/ and python.bzl.
_NATIVE_RULES = {
    "rules_cc": ["cc_binary", "cc_library", "cc_test", "cc_toolchain", "cc_toolchain_suite"],
    "rules_java": ["java_import", "java_runtime", "java_toolchain"],
    "rules_proto": ["proto_library"],
    "rules_python": ["py_binary", "py_library", "py_test"],
}

def _native_rules(ctx):
    folder = ctx.name[len("rules_"):]
    ctx.file("WORKSPACE")
    ctx.file(folder + "/BUILD")
    ctx.file(
        folder + "/defs.bzl",
        "".join(["{0} = native.{0}\n".format(rule) for rule in _NATIVE_RULES[ctx.name]]),
    )

native_rules = repository_rule(
    _native_rules,
    doc = "Rules within Bazel, to be loaded from @rules_x//x:defs.bzl.",
)

def _no_coverage(ctx):
    ctx.file("WORKSPACE")
    ctx.file("BUILD", """
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""")

no_coverage = repository_rule(
    _no_coverage,
    doc = "Takes the place of the coverage tools, which each test depends on.",
)

def _system_protoc(ctx):
    protoc = ctx.which("protoc")
    if not protoc:
        fail("Expected: protoc on PATH. Received: none. Install protobuf-compiler.")
    ctx.file("WORKSPACE")
    ctx.file("BUILD", "exports_files([\"protoc\"])")
    ctx.symlink(protoc, "protoc")

system_protoc = repository_rule(
    _system_protoc,
    doc = "The protoc on PATH, which proto_library checks and describes messages with.",
    environ = ["PATH"],
    local = True,
)

def _project_python(ctx):
    root = ctx.path(Label("//:WORKSPACE")).dirname
    python = ctx.os.environ.get("PROJECT_PYTHON", "%s/.venv/bin/python" % root)
    if not ctx.path(python).exists:
        fail("Expected: a Python with TFX. Received: %s, which does not exist. " % python +
             "Run `make setup`, or name another: --repo_env=PROJECT_PYTHON=/path/to/python")
    ctx.file("WORKSPACE")
    ctx.file("BUILD", """
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")

py_runtime(
    name = "runtime",
    interpreter_path = "%s",
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtimes",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtimes",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
""" % python)

project_python = repository_rule(
    _project_python,
    doc = "The project's virtual environment as the Python that programs run on.",
    environ = ["PROJECT_PYTHON"],
    local = True,
)
