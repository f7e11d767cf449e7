"""The entry of the hosted demo: the same pages over what was recorded; `streamlit run demo/streamlit_app.py`, from any folder.

Everything that makes it a demo is decided here, before the first page is imported: which store it shows, that it runs and keeps
nothing, and the guard that holds even where a page forgot that.
"""

import os
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parent
ROOT = DEMO.parent
RECORDED = DEMO / "recorded"

os.environ["SHOWDOWN_HOSTED"] = "1"
os.environ["SHOWDOWN_HOME"] = str(RECORDED)
sys.dont_write_bytecode = True
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from streamlit import App  # noqa: E402

from demo import guard  # noqa: E402
from demo.forgetting import forgetting  # noqa: E402
from demo.uploads import limited_uploads  # noqa: E402

guard.install(store=RECORDED)
app = App(str(ROOT / "pages" / "_router.py"), lifespan=forgetting, middleware=[limited_uploads()])
