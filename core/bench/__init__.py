"""The referee: plans pairs of runs, starts and watches workers, proves parity, and says what the times mean."""
