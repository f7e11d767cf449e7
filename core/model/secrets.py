"""Environment variables that hold a password or a key: they are neither recorded nor shared."""

from __future__ import annotations

import re

#: In the place of a password.
WITHHELD = "withheld"
#: Environment variables that hold one. Terraform's begin as TensorFlow's do, NVIDIA's services as its driver.
_SECRET = re.compile(r"TF_(?:VAR|TOKEN)_\w+|[A-Z0-9_]*(?:TOKEN(?!IZER)|SECRET|PASSW|CREDENTIAL|(?:API|ACCESS|PRIVATE|ENCRYPTION)_?KEY)[A-Z0-9_]*")


def is_secret(name: object, value: object) -> bool:
    """Is it an environment variable with a password or a key in it?"""
    return isinstance(name, str) and isinstance(value, str) and _SECRET.fullmatch(name) is not None
