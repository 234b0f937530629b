// parallel.h: slices on threads, results in order, and a way to stop.
//
// parallel_for(n, threads, interrupt, work) calls work(i, worker) once for each i in 0..n-1, worker in
// 0..threads-1. Tasks are handed out in increasing order. With one thread everything runs on the caller's.
// An exception thrown by a task, or by the question whether to stop, stops the others and is thrown again on
// the caller's thread; a thread that can't be had leaves its work to those that can.
//
// Interrupt is how a run is stopped from outside. The thread that made it, and only that one, may ask the
// outside world (poll); everybody may read the answer (raised). Workers leave by return, never by exception.
//
// Turnstile lets tasks through one by one in the order of their numbers: what they add up there comes out
// the same, to the last bit, for any number of threads. A task takes its Ticket before anything else. However
// the task ends, its ticket is turned, so that those behind it never wait for one that failed.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "eigen.h"

namespace em {

class Interrupt {
 public:
  Interrupt() = default;
  explicit Interrupt(std::function<bool()> ask) : ask_(std::move(ask)) {}
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const { return raised_.load(std::memory_order_relaxed); }
  void raise() { raised_.store(true, std::memory_order_relaxed); }

  // Asks at most every 50 ms, and only on the thread that made this object.
  void poll() {
    if (!ask_ || raised() || std::this_thread::get_id() != owner_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < interval()) return;
    last_ = now;
    if (ask_()) raise();
  }

  static std::chrono::milliseconds interval() { return std::chrono::milliseconds(50); }

 private:
  std::function<bool()> ask_;
  std::atomic<bool> raised_{false};
  std::thread::id owner_ = std::this_thread::get_id();
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class Turnstile {
 public:
  class Ticket {
   public:
    Ticket(Turnstile& turnstile, Index number) : turnstile_(turnstile), number_(number) {}
    ~Ticket() {
      pass([] {});
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // Once: when all before have passed, and alone.
    template <class Action>
    void pass(Action action) {
      if (passed_) return;
      passed_ = true;
      std::unique_lock<std::mutex> lock(turnstile_.mutex_);
      turnstile_.turned_.wait(lock, [&] { return turnstile_.next_ == number_; });
      const Turn turn(turnstile_);
      action();
    }

   private:
    Turnstile& turnstile_;
    Index number_;
    bool passed_ = false;
  };

 private:
  // Lets the next one through, also where the action throws.
  class Turn {
   public:
    explicit Turn(Turnstile& turnstile) : turnstile_(turnstile) {}
    ~Turn() {
      ++turnstile_.next_;
      turnstile_.turned_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turnstile& turnstile_;
  };

  std::mutex mutex_;
  std::condition_variable turned_;
  Index next_ = 0;
};

template <class Work>
void parallel_for(Index n, int threads, Interrupt& interrupt, Work work) {
  if (threads <= 1 || n <= 1) {
    for (Index i = 0; i < n; ++i) {
      interrupt.poll();
      work(i, 0);
    }
    return;
  }

  std::atomic<Index> next{0};
  std::mutex mutex;
  std::condition_variable finished;
  int running = 0;
  std::exception_ptr failure;

  const auto fail = [&] {
    std::lock_guard<std::mutex> lock(mutex);
    if (!failure) failure = std::current_exception();
    interrupt.raise();
  };
  auto body = [&](int worker) {
    for (Index i = next++; i < n; i = next++) {
      try {
        work(i, worker);
      } catch (...) {
        fail();
      }
    }
    std::lock_guard<std::mutex> lock(mutex);
    --running;
    finished.notify_one();
  };

  const int wanted = static_cast<int>(std::min<Index>(threads, n));
  std::vector<std::thread> team;
  team.reserve(static_cast<std::size_t>(wanted));
  for (int worker = 0; worker < wanted; ++worker) {
    std::lock_guard<std::mutex> lock(mutex);
    try {
      team.emplace_back(body, worker);
      ++running;
    } catch (...) {
      break;  // no more threads to be had: those that run do all the work
    }
  }
  if (team.empty()) {
    ++running;
    body(0);
  }

  {
    std::unique_lock<std::mutex> lock(mutex);
    while (running > 0) {
      finished.wait_for(lock, Interrupt::interval());
      lock.unlock();
      try {
        interrupt.poll();
      } catch (...) {
        fail();
      }
      lock.lock();
    }
  }
  for (std::thread& member : team) member.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace em
