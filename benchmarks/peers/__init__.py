"""What a careful team would write by hand instead: the rows that Thali is compared with."""
