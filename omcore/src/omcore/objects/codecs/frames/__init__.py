"""Frames, series and tables: columns as Arrow, rows as Parquet parts, and what pandas adds as JSON beside them."""
