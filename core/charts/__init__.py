"""Pure functions from a frame to an Altair chart: no input or output, no Streamlit, the same words and colours everywhere.

Conventions: units on axes; a shape or a name beside every colour; both sides of a pair on one axis; fewer than 2,000 marks; fonts,
grid and background are left to the theme of whoever shows the chart.
"""
