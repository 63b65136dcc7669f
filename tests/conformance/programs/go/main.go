// SPDX-License-Identifier: MPL-2.0

// An ordinary Go program: goroutines, timers, the garbage collector, files, pipes, processes,
// signals. It prints one line for each thing that works.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func goroutines() {
	var group sync.WaitGroup
	results := make(chan int, 100)
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			runtime.Gosched()
			results <- n
		}(i)
	}
	group.Wait()
	close(results)
	sum := 0
	for n := range results {
		sum += n
	}
	fmt.Println("goroutines", sum)
}

func timers() {
	start := time.Now()
	select {
	case <-time.After(20 * time.Millisecond):
	}
	fmt.Println("timers", time.Since(start) >= 20*time.Millisecond)
}

func memory() {
	var keep [][]byte
	for i := 0; i < 200; i++ {
		block := make([]byte, 1<<18)
		block[i] = 1
		if i%10 == 0 {
			keep = append(keep, block)
		}
	}
	runtime.GC()
	fmt.Println("memory", len(keep))
}

func files() {
	name := "go-file"
	check(os.WriteFile(name, []byte("written by go"), 0o644))
	text, err := os.ReadFile(name)
	check(err)
	check(os.Remove(name))
	fmt.Println("files", string(text))
}

func pipes() {
	reader, writer, err := os.Pipe()
	check(err)
	go func() {
		writer.WriteString("through a pipe")
		writer.Close()
	}()
	text, err := io.ReadAll(reader)
	check(err)
	fmt.Println("pipes", string(text))
}

func processes() {
	output, err := exec.Command("/bin/busybox", "echo", "a child").Output()
	check(err)
	fmt.Print("processes ", string(output))
}

func signals() {
	channel := make(chan os.Signal, 1)
	signal.Notify(channel, syscall.SIGUSR1)
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	fmt.Println("signals", <-channel)
}

func preemption() {
	done := make(chan bool)
	go func() {
		for { // a loop without calls: only a signal can preempt it
		}
	}()
	go func() {
		time.Sleep(10 * time.Millisecond)
		runtime.GC()
		done <- true
	}()
	fmt.Println("preemption", <-done)
}

func main() {
	goroutines()
	timers()
	memory()
	files()
	pipes()
	processes()
	signals()
	preemption()
}
