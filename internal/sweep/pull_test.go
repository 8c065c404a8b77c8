package sweep_test

import "iter"

var pull = iter.Pull2[string, error]
