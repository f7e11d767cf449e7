"""The entry of the app: `streamlit run streamlit_app.py`."""

from streamlit import App

app = App("pages/_router.py")
