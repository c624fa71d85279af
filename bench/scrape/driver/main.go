// SPDX-License-Identifier: Apache-2.0

// Command driver scrapes two servers in turn and compares the CPU time each takes for a scrape.
//
// CPU time is that of the whole server process (its POSIX CPU clock, all threads, garbage collection
// and compilation included). The figure of a pair is the mean over its scrapes; printed are the
// medians over the pairs and the median, least and greatest ratio of a pair.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const pairs = 9

type server struct {
	name    string
	command *exec.Cmd
	url     string
}

func main() {
	if len(os.Args) < 5 {
		log.Fatal("usage: driver counters|mixed LINES PEER SONDE-COMMAND...")
	}
	shape := os.Args[1]
	lines, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	peer := start("client_golang", os.Args[3], shape, os.Args[2])
	defer peer.stop()
	sonde := start("sonde", os.Args[4], append(os.Args[5:], shape, os.Args[2])...)
	defer sonde.stop()

	peerLines, sondeLines := peer.lines(), sonde.lines()
	if peerLines != lines || sondeLines != lines {
		log.Fatalf("%d lines asked for, but %d from client_golang and %d from Sonde", lines, peerLines, sondeLines)
	}
	cold := sonde.batch(10) / 10
	peerCold := peer.batch(10) / 10
	scrapes := 200000 / lines
	if scrapes < 10 {
		scrapes = 10
	}
	// the JVM compiles after some thousand calls; an agent that runs for an hour is there
	for i := 0; i < 4; i++ {
		sonde.batch(scrapes)
		peer.batch(scrapes)
	}
	var a, b, ratio []float64
	for i := 0; i < pairs; i++ {
		p := peer.batch(scrapes) / float64(scrapes)
		s := sonde.batch(scrapes) / float64(scrapes)
		a, b, ratio = append(a, p), append(b, s), append(ratio, s/p)
	}
	fmt.Printf("| %s | %d | %.3f | %.3f | **%.3f** (%.3f..%.3f) | %.3f / %.3f |\n", shape, lines,
		median(a), median(b), median(ratio), ratio[0], ratio[len(ratio)-1], peerCold, cold)
}

func start(name, program string, args ...string) *server {
	command := exec.Command(program, args...)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		log.Fatal(name, ": ", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		log.Fatal(name, ": no URL: ", err)
	}
	return &server{name, command, strings.TrimSpace(line)}
}

func (s *server) stop() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

func (s *server) scrape() []byte {
	request, err := http.NewRequest("GET", s.url, nil)
	if err != nil {
		log.Fatal(err)
	}
	// text, not compressed: gzip costs the same on both sides and would hide the difference
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(s.name, ": ", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		log.Fatal(s.name, ": ", response.Status, " ", err)
	}
	return body
}

func (s *server) lines() int {
	n := 0
	for _, line := range bytes.Split(s.scrape(), []byte("\n")) {
		if len(line) > 0 && line[0] != '#' {
			n++
		}
	}
	return n
}

// batch scrapes n times and returns the server's CPU milliseconds, its aftermath included.
func (s *server) batch(n int) float64 {
	before := s.cpu()
	for i := 0; i < n; i++ {
		s.scrape()
	}
	time.Sleep(20 * time.Millisecond)
	return float64(s.cpu()-before) / 1e6
}

// cpu is the process's CPU clock in nanoseconds, see clock_getcpuclockid(3).
func (s *server) cpu() int64 {
	clock := ^uintptr(s.command.Process.Pid)<<3 | 2
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		log.Fatal(s.name, ": CPU clock: ", errno)
	}
	return t.Nano()
}

func median(v []float64) float64 {
	sort.Float64s(v)
	return v[len(v)/2]
}
