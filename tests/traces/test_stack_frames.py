"""Stacks are kept once each, and the frame that names the memory is the one that a person would look for."""

from __future__ import annotations

import pytest

from core.traces.stack_frames import Stacks, label, stack_text, usefulness
from tests.traces.snapshots import frame

MINE = frame("forward", 54)
LIBRARY = frame("_call_impl", 1790, "/usr/lib/python3.12/site-packages/torch/nn/modules/module.py")
WINDOWS_LIBRARY = frame("_call_impl", 1790, "D:\\dev\\.venv\\Lib\\site-packages\\torch\\nn\\modules\\module.py")
COMPILED = frame("call", 103, "/tmp/torchinductor_someone/c6/cc6clsm.py")
UNWIND = frame("torch::unwind::unwind()", 0, "??")
ALLOCATOR = frame("c10::cuda::CUDACachingAllocator::Native::NativeCachingAllocator::allocate(unsigned long)", 0, "")
EMPTY = frame("at::detail::empty_cuda(c10::ArrayRef<long>, c10::ScalarType)", 0, "??")
OPERATOR = frame("at::native::linear(at::Tensor const&, at::Tensor const&)", 0, "??")
BACKWARD = frame("torch::autograd::generated::AddmmBackward0::apply(std::vector<at::Tensor>&&)", 0, "??")
EVALUATE = frame("_PyEval_EvalFrameDefault", 0, "??")


def useful(*frames):
    stacks = Stacks()
    stacks.numbers([list(frames)])
    return stacks.stacks_frame()["frame"][0]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ((UNWIND, ALLOCATOR, EMPTY, OPERATOR, EVALUATE, LIBRARY, MINE), "forward (project/model.py:54)"),
        ((WINDOWS_LIBRARY, MINE), "forward (project/model.py:54)"),
        ((COMPILED, MINE), "forward (project/model.py:54)"),
        ((UNWIND, ALLOCATOR, EMPTY, OPERATOR, BACKWARD), "torch::autograd::generated::AddmmBackward0::apply"),
        ((UNWIND, OPERATOR, EVALUATE, LIBRARY), "_call_impl (modules/module.py:1790)"),
        ((UNWIND, ALLOCATOR, EMPTY, OPERATOR), "at::native::linear"),
        ((UNWIND, ALLOCATOR), "torch::unwind::unwind"),
        ((MINE, frame("main", 9)), "forward (project/model.py:54)"),
    ],
    ids=["own code", "on Windows", "compiled", "backward", "library", "operator", "machinery", "innermost"],
)
def test_a_stack_is_named_after_the_innermost_frame_that_says_most(stack, expected):
    assert useful(*stack) == expected


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        ("<module>", "C:\\work\\train.py", "<module> (work/train.py:7)"),
        ("run", "<stdin>", "run (<stdin>:7)"),
        ("at::(anonymous namespace)::create_out(long)", "RegisterCUDA_0.cpp", "at::(anonymous namespace)::create_out"),
        ("c10::TensorImpl::~TensorImpl() [clone .localalias]", "TensorImpl.cpp", "c10::TensorImpl::~TensorImpl"),
        ("Guard::operator()(int)", "", "Guard::operator()"),
        ("", "??", "?"),
    ],
)
def test_labels_are_short_and_say_where(name, file, expected):
    assert label(name, file, 7) == expected


def test_a_frame_of_the_standard_library_is_not_the_readers_own():
    assert usefulness("run", "/usr/lib/python3.12/threading.py") > usefulness("run", "/home/someone/threading.py")


def test_equal_stacks_are_one_and_their_frames_are_one():
    stacks = Stacks()
    assert stacks.numbers([[MINE, LIBRARY], [dict(MINE), dict(LIBRARY)], [MINE], [], None, "text"]).tolist() == [0, 0, 1, -1, -1, -1]
    assert len(stacks.frames_frame()) == 2
    assert stacks.stacks_frame()["frames"].to_list() == [[0, 1], [0]]


def test_frames_that_are_none_are_left_out_and_counted():
    stacks = Stacks()
    assert stacks.numbers([[MINE, 5, {"name": "x"}, {**MINE, "line": -1}], [7]]).tolist() == [0, -1]
    assert stacks.skipped == {"a frame of a stack without name, file and line": 4}


def test_a_stack_written_out_has_a_line_per_frame_and_ends():
    stacks = Stacks()
    stacks.numbers([[MINE, LIBRARY], [frame("f", number) for number in range(500)], [frame("f", 1)] * 12_000])
    tables = stacks.stacks_frame(), stacks.frames_frame()
    assert stack_text(*tables, 0) == f"forward ({MINE['filename']}:54)\n_call_impl ({LIBRARY['filename']}:1790)"
    assert stack_text(*tables, 1).splitlines()[-1] == "and 200 more"
    assert stacks.skipped == {"a frame beyond the 10,000th of its stack": 2_000}
