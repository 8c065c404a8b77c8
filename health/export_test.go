package health

// SetCellsLeft replaces the bound on the numbers that an accumulator keeps.
func SetCellsLeft(a *Accumulator, cells int) { a.cellsLeft = cells }
