"""What of a Markdown document can go stale: its links, the commands that it gives, the files and names that it speaks of."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from typer.main import get_command

from core.cli import app

ROOT = Path(__file__).resolve().parents[1]
#: Kinds of fenced blocks in which a line may be a command.
SHELL = ("", "bash", "sh", "shell", "console", "yaml", "yml", "dockerfile")
#: A place on one person's machine.
OWN_PLACE = re.compile(r"file://\S+|(?<![\w.~])/(?:home|Users)/[a-z][^\s`)]*|(?<![\w.~/])/(?:root|work)/[^\s`)]+")
IN_REPOSITORY = re.compile(r"(?:\./)?(?:bench|core|demo|docker|docs|pages|tests)/[\w.*/-]*|requirements[\w-]*\.txt")
MODULE = re.compile(r"(?:bench|core|pages|tests)(?:\.\w+)+")
#: What may stand before the first word of a command.
BEFORE = re.compile(r"\$|-|run:|\w+=.*")


@dataclass(frozen=True, kw_only=True)
class Document:
    """The parts of a text."""

    links: tuple[str, ...]
    """Of links and pictures, as they are written."""
    anchors: frozenset[str]
    """What a link may name behind `#`."""
    quoted: tuple[str, ...]
    """Code inside a line."""
    blocks: tuple[tuple[str, str], ...]
    """Kind and text of every fenced block."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Where commands may stand; one that goes on after a backslash is one line."""
        blocks = [content.replace("\\\n", " ").splitlines() for kind, content in self.blocks if kind in SHELL]
        return (*self.quoted, *(line for block in blocks for line in block))


def read(text: str) -> Document:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inside = [child for token in tokens for child in token.children or []]
    titles = [following.children or [] for token, following in pairwise(tokens) if token.type == "heading_open"]
    return Document(
        links=tuple(str(child.attrs.get("href") or child.attrs.get("src")) for child in inside if child.type in ("link_open", "image")),
        anchors=anchors("".join(child.content for child in title) for title in titles),
        quoted=tuple(child.content for child in inside if child.type == "code_inline"),
        blocks=tuple((token.info.strip(), token.content) for token in tokens if token.type == "fence"),
    )


def anchors(titles: Iterator[str]) -> frozenset[str]:
    """GitHub's: lower case, without punctuation, `-` for each space; one that comes again is counted."""
    seen: Counter[str] = Counter()
    found = set()
    for title in titles:
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found)


def dead_links(text: str, path: Path) -> list[str]:
    """Places on one person's machine, and links of a document at `path` to files or headings that are not there."""

    def is_dead(link: str) -> bool:
        target, _, part = link.partition("#")
        file = path.parent / unquote(target)
        if target.startswith("/") or not file.exists():
            return True
        return bool(part) and part not in read(file.read_text(encoding="utf-8") if target else text).anchors

    return OWN_PLACE.findall(text) + [link for link in read(text).links if not re.match(r"[a-z]+:", link) and is_dead(link)]


def stale(text: str) -> list[str]:
    """Commands, make targets, modules and files that a document names and the project does not have."""
    document = read(text)
    found = [f"{' '.join(words)}: {why}" for words in commands(document) if (why := wrong(words))]
    found += [name for name in document.quoted if MODULE.fullmatch(name) and not is_defined(name)]
    words = [word.strip(",;:()'\"") for line in document.lines for word in line.split()]
    return found + [word for word in words if IN_REPOSITORY.fullmatch(word) and not any(ROOT.glob(word.removeprefix("./").rstrip("/")))]


def commands(document: Document) -> Iterator[list[str]]:
    """The words of each command; comments, and what a shell makes of `|`, `&&` and `>`, are left out."""
    for line in document.lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # an apostrophe: no shell's line
            words = line.split()
        command: list[str] = []
        for word in (*words, ";"):
            if not set(word) <= set("();<>|&"):
                command.append(word)
            elif command:
                yield command
                command = []


def wrong(words: list[str]) -> str:
    """What is wrong with a command of this project; empty where nothing is, or where it is another's."""
    while words and BEFORE.fullmatch(words[0]):
        words = words[1:]
    if words[:1] == ["make"]:
        targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        unknown = [word for word in words[1:] if re.fullmatch(r"[a-z][\w-]*", word) and word not in targets]
        return f"no target {unknown[0]}" if unknown else ""
    if (arguments := arguments_of_core(words)) is not None:
        return follow(arguments)[1]
    module = next((word for before, word in pairwise(words) if before == "-m"), "")
    return f"no module {module}" if MODULE.fullmatch(module) and not is_defined(module) else ""


def arguments_of_core(words: list[str]) -> list[str] | None:
    """What follows `python -m core`, whichever the interpreter; None where a command is another one."""
    places = range(len(words) - 2)
    return next((words[at + 3 :] for at in places if re.search(r"python[\d.]*$", words[at]) and words[at + 1 : at + 3] == ["-m", "core"]), None)


def follow(arguments: list[str]) -> tuple[str, str]:
    """The command that arguments of `python -m core` come to, and what is wrong with them; brackets stand around what may be there."""
    command: Any = get_command(app)
    path: list[str] = []
    given = 0
    words = (word.strip("[]") for word in arguments)
    for word in words:
        if word in ("", "...", "…"):
            continue
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            option = next((one for one in command.params if name in (*one.opts, *one.secondary_opts)), None)
            if option is None and name != "--help":
                return " ".join(path), f"no option {name}"
            if option is not None and not option.is_flag and not equals:
                next(words, None)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return " ".join(path), f"no command {word}"
            path.append(word)
            command = command.commands[word]
        else:
            given += 1
    taken = [one.nargs for one in command.params if one.param_type_name == "argument"]
    return " ".join(path), "too many arguments" if given > len(taken) and -1 not in taken else ""


def command_names() -> set[str]:
    """Every command that `python -m core` shows, groups with what is in them."""

    def leaves(group: Any) -> Iterator[str]:
        for name, one in group.commands.items():
            if not one.hidden:
                yield from (f"{name} {leaf}" for leaf in leaves(one)) if hasattr(one, "commands") else [name]

    return set(leaves(get_command(app)))


def is_defined(dotted: str) -> bool:
    """Is there such a module, or such a name at the top of one?"""
    place, names = ROOT, dotted.split(".")
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    file = place / "__init__.py"
    if names and (place / f"{names[0]}.py").exists():
        file = place / f"{names.pop(0)}.py"
    if not names:
        return True
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    name = names[0]
    return re.search(rf"^(?:(?:def|class) {name}\b|{name}\s*[:=]|from \S+ import .*\b{name}\b)", text, re.MULTILINE) is not None


def table_rows(text: str) -> list[list[str]]:
    """Cells of every row of every table, headings and rules included."""
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]


def flat(text: str) -> str:
    """Without line breaks and marks of quotation."""
    return " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())
