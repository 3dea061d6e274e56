// Package buildversion names the three programs of this module.
package buildversion

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
)

// contract is the release that is played, as far as its published sources
// describe it (README.md), in semver's form; its build metadata says who really
// speaks.
const contract = "18.11.0+teleport-double"

// Version is what tbot's metric teleport_build_info, `tctl status` and the pings
// of the auth server and the proxy say. TELEPORT_DOUBLE_CONTRACT names another
// version, for tests of what is made of it; nothing else behaves otherwise.
func Version() string { return cmp.Or(os.Getenv("TELEPORT_DOUBLE_CONTRACT"), contract) }

// Text is what `tctl version` and `tbot version` print, in the form of Teleport's
// programs (Teleport lib/modules/modules.go, PrintVersion); a build without a Git
// description leaves that empty, too.
func Text() string { return fmt.Sprintf("Teleport v%s git: %s", Version(), runtime.Version()) }
