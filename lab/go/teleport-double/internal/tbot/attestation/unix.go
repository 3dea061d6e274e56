package attestation

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

// defaultHashLimit is the largest executable that is hashed, in bytes.
const defaultHashLimit = 1 << 30

// unixAttestor reads /proc/<pid> (Teleport workloadattest/unix.go). It always
// runs, and it hashes the whole executable each time.
type unixAttestor struct {
	proc string
	// hashLimit is in bytes; -1 for none.
	hashLimit int64
	log       *slog.Logger
}

func newUnixAttestor(c config.Unix, getenv func(string) string, log *slog.Logger) *unixAttestor {
	return &unixAttestor{
		proc:      cmp.Or(getenv("HOST_PROC"), "/proc"),
		hashLimit: cmp.Or(c.BinaryHashMaxSizeBytes, defaultHashLimit),
		log:       log,
	}
}

// attest fails when the process, its user or its group can't be read. An
// executable that can't be read (no CAP_SYS_PTRACE) costs only the path and the
// hash.
func (a *unixAttestor) attest(pid int) (*attribute.Unix, error) {
	directory := filepath.Join(a.proc, strconv.Itoa(pid))
	ids, err := effectiveIDs(filepath.Join(directory, "status"))
	if err != nil {
		return nil, trace.Wrap(err, "getting process")
	}
	attested := &attribute.Unix{Attested: true, PID: int32(pid), UID: ids.uid, GID: ids.gid}
	executable := filepath.Join(directory, "exe")
	attested.BinaryPath, err = os.Readlink(executable)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Error("Failed to find workload executable", "error", err)
	}
	file, err := os.Open(executable)
	if err != nil {
		a.log.Error("Failed to open workload executable for hashing", "error", err)
		return attested, nil
	}
	defer file.Close()
	attested.BinaryHash, err = a.hash(file)
	if err != nil {
		a.log.Error("Failed to hash workload executable", "error", err)
	}
	return attested, nil
}

func (a *unixAttestor) hash(file io.Reader) (string, error) {
	reader := file
	if a.hashLimit >= 0 {
		reader = io.LimitReader(file, a.hashLimit+1)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, reader)
	if err != nil {
		return "", trace.Wrap(err)
	}
	if a.hashLimit >= 0 && size > a.hashLimit {
		return "", trace.LimitExceeded("input is larger than limit (%d)", a.hashLimit)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

type processIDs struct {
	uid, gid uint32
}

// effectiveIDs reads the second number of the lines Uid and Gid: real,
// effective, saved, file system.
func effectiveIDs(statusPath string) (processIDs, error) {
	file, err := os.Open(statusPath)
	if err != nil {
		return processIDs{}, trace.ConvertSystemError(err)
	}
	defer file.Close()
	var ids processIDs
	found := 0
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 3 {
			continue
		}
		var target *uint32
		switch fields[0] {
		case "Uid:":
			target = &ids.uid
		case "Gid:":
			target = &ids.gid
		default:
			continue
		}
		number, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return processIDs{}, trace.BadParameter("reading %s: %v", statusPath, err)
		}
		*target = uint32(number)
		found++
	}
	if err := scanner.Err(); err != nil {
		return processIDs{}, trace.ConvertSystemError(err)
	}
	if found != 2 {
		return processIDs{}, trace.BadParameter("no uids or gids returned")
	}
	return ids, nil
}
