"""Soda contracts on the two borders of the warehouse: what vendors sent, what readers get."""
