"""The tables and figures of the paper beside ours: the trainings behind them, and the pages."""
