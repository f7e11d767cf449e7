"""Taking out of a result whose machine it comes from: names of users, home folders, the name of the host, serial numbers, passwords.

A name is replaced wherever it stands as a word of its own. One that says nothing (`root`, `ubuntu`), that is shorter than three
letters, or that is a word of our own files (a user called `gpu`) is replaced only where it is a folder of a path: elsewhere it is
something else, and a result without it could not be read any more.
"""

from __future__ import annotations

import os
import platform
import pwd
import re
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from core.model import comparison, parity, run, variant
from core.model.secrets import WITHHELD, is_secret
from core.workloads.registry import NAMES

_FEWEST_LETTERS = 3
#: In a binary file the byte before a text is its length and the one behind it a tag, and both may look like letters. So many
#: letters in a row are hardly a part of another word, and need no border.
_UNMISTAKABLE_LETTERS = 6
_HOME, _USER, _HOST = "~", "user", "host"
#: The number that a card was made with.
_SERIAL = r"\b(GPU|MIG)-(?P<name>[0-9A-Fa-f]{8}[0-9A-Fa-f-]{0,28})"

#: Names of users and machines that say nothing about anybody, and words of profiles.
_COMMON = frozenset(
    ("root", "user", "home", "host", "runner", "ubuntu", "debian", "localhost", "admin", "adam", "conv", "cpu", "cuda", "event", "gpu", "index",
     "keras", "kernel", "model", "order", "python", "sgd", "stage", "stages", "time", "torch", "trace", "train", "triton")
)  # fmt: skip

#: Left and right of a word, and of a folder at the beginning of a path.
_LEFT, _RIGHT = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_BEGIN, _END = r"(?<![\w.~-])", r"(?![\w-])"
_NAME = r"[^/\\\s\"'<>|:*?,;()\[\]\x00-\x1f\x7f]{1,64}"
#: Under Windows a name may have spaces; only what follows tells where it ends.
_WINDOWS_NAME = rf"(?:[^/\\\r\n\"'<>|:*?]{{1,64}}(?=[/\\])|{_NAME})"

_TextRule = tuple[re.Pattern[str], str]


@dataclass(frozen=True, kw_only=True)
class Redactor:
    """Knows some names, and strips `/home/NAME`, `/Users/NAME` and `C:\\Users\\NAME` of everybody."""

    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    """Absolute paths."""

    @classmethod
    def here(cls) -> Redactor:
        """The one that knows the user, the home folder and the name of this machine."""
        users = [os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME")]
        homes = [os.environ.get("HOME", "")]
        try:
            entry = pwd.getpwuid(os.getuid())
            users.append(entry.pw_name)
            homes.append(entry.pw_dir)
        except KeyError:
            pass  # a container may run as a user whom it does not know
        users += [PurePath(home).name for home in homes]
        # Where this copy of the program and its environment lie says as much as a home folder.
        homes.append(str(Path(__file__).resolve().parents[2]))
        if sys.prefix != sys.base_prefix:
            homes.append(str(Path(sys.prefix).parent))
        hosts = [socket.gethostname(), platform.node()]
        hosts += [host.partition(".")[0] for host in hosts]
        return cls(users=_longest_first(users), hosts=_longest_first(hosts), homes=_longest_first(homes))

    def text(self, text: str) -> str:
        """A home folder becomes `~`, a user `user`, a host `host`."""
        for pattern, replacement in self._text_rules:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:
        """The same of every text in a value as JSON has it: in lists, tuples, and dictionaries with their keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._key(key): WITHHELD if is_secret(key, item) else self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item) for item in value)
        return value

    def data(self, data: bytes) -> bytes:
        """A file with its names as underscores, byte for byte as long as before: binary formats state the length of a text."""
        text = data.lstrip()[:1] in (b"{", b"[")
        for pattern in self._text_file_rules if text else self._binary_file_rules:
            data = pattern.sub(_underscored, data)
        return data

    def _key(self, key: Any) -> Any:
        """The name of a field is never a word in a text: `usable_cores` has nothing to do with a user called usable."""
        named = isinstance(key, str) and key.isidentifier() and key.lower() not in {name.lower() for name in (*self.users, *self.hosts)}
        return key if named or not isinstance(key, str) else self.text(key)

    @cached_property
    def _text_rules(self) -> list[_TextRule]:
        rules = [(re.compile(rf"[A-Za-z]:[/\\]+Users[/\\]+{_WINDOWS_NAME}", re.IGNORECASE), _HOME)]
        rules += [(re.compile(_BEGIN + re.escape(home) + _END), _HOME) for home in _folders(self.homes)]
        rules.append((re.compile(rf"{_BEGIN}/(?:home|Users)/{_NAME}"), _HOME))
        rules.append((re.compile(rf"(?<=[\w.~-])/(home|Users)/{_NAME}"), rf"/\g<1>/{_USER}"))
        for name in (name for name in self.users if not _tells(name)):
            rules.append((re.compile(rf"{_BEGIN}(/[\w.-]{{1,64}}/){re.escape(name)}(?![\w.-])"), rf"\g<1>{_USER}"))
        rules += [(re.compile(_SERIAL), r"\g<1>-number"), (re.compile(r"(?<=://)[^\s/:@]{1,100}:[^\s/@]{1,200}(?=@)"), _USER)]
        for names, word in ((self.users, _USER), (self.hosts, _HOST)):
            rules += [(re.compile(_LEFT + re.escape(name) + _RIGHT, re.IGNORECASE), word) for name in names if _tells(name)]
        return rules

    @cached_property
    def _text_file_rules(self) -> list[re.Pattern[bytes]]:
        return list(self._file_rules(binary=False))

    @cached_property
    def _binary_file_rules(self) -> list[re.Pattern[bytes]]:
        return list(self._file_rules(binary=True))

    def _file_rules(self, *, binary: bool) -> Iterable[re.Pattern[bytes]]:
        """Patterns whose group `name` is what is replaced."""
        # A text of a binary file may end anywhere, and what follows must stay: only a slash is known to be still in it.
        end = r"(?=[/\\])" if binary else ""
        yield _pattern(_SERIAL)
        yield _pattern(rf"/(?:home|Users)/(?P<name>{_NAME}){end}")
        yield _pattern(rf":[/\\]{{1,4}}Users[/\\]{{1,4}}(?P<name>{_NAME}){end}")
        for home in _folders(self.homes):
            above, slash, name = home.rpartition("/")
            if name != "root":
                yield _pattern(f"{re.escape(above + slash)}(?P<name>{re.escape(name)}){_END}")
        for name in (name for name in self.users if not _tells(name) and name != "root"):
            yield _pattern(rf"{_BEGIN}/[\w.-]{{1,64}}/(?P<name>{re.escape(name)})(?![\w.-])")
        for name in (name for name in (*self.users, *self.hosts) if _tells(name)):
            borderless = binary and len(name) >= _UNMISTAKABLE_LETTERS
            left, right = ("", "") if borderless else (_LEFT, _RIGHT)
            yield _pattern(f"{left}(?P<name>{re.escape(name)}){right}", re.IGNORECASE)


def _words_of_results() -> frozenset[str]:
    """What the files of a comparison are written in: names of fields, and the words that some of them may have."""
    kinds = [
        kind for module in (comparison, parity, run, variant) for kind in vars(module).values() if isinstance(kind, type) and is_dataclass(kind)
    ]
    words = [field.name for kind in kinds for field in fields(kind)]
    words += [*comparison.VERDICTS, *comparison.STATES, *comparison.PRESETS, *parity.STAGES, *parity.MEASURED_STAGES, *run.ROLES, *run.TASKS,
              *run.MEASURES, *variant.FRAMEWORKS, *variant.CHOICES, *NAMES]  # fmt: skip
    words += [value for values in (*variant.EXECUTIONS.values(), *variant.CHOICES.values()) for value in values]
    return frozenset(part for word in words for part in word.split("_"))


_KEPT = _COMMON | _words_of_results()


def _tells(name: str) -> bool:
    """Does the name, wherever it stands, say whose machine it is?"""
    return len(name) >= _FEWEST_LETTERS and name.lower() not in _KEPT


def _longest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, so that none is looked for before a longer one that it is a part of."""
    return tuple(sorted({name for name in names if name.strip("/")}, key=lambda name: (-len(name), name)))


def _folders(homes: Iterable[str]) -> list[str]:
    return [home.rstrip("/") for home in homes if home.startswith("/") and home.strip("/")]


def _pattern(text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[bytes]:
    return re.compile(text.encode(), flags)


def _underscored(found: re.Match[bytes]) -> bytes:
    whole, at = found[0], found.start()
    begin, end = found.start("name") - at, found.end("name") - at
    return whole[:begin] + b"_" * (end - begin) + whole[end:]
