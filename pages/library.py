"""x"""
import streamlit as st
from pages._parts.stored import store, choose_comparison
from pages._parts.states import show_state, show_empty
st.title("library")
one=choose_comparison(store().all())
if one is None:
    show_empty()
else:
    show_state(one)
