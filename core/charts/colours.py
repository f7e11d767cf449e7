"""The two frameworks' own colours, for charts and for whatever is drawn without the chart library."""

FRAMEWORK_COLOURS = {"tensorflow": "#d4691a", "pytorch": "#4a7de0"}
