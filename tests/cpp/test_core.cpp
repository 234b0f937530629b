// test_core.cpp: the core without R, for sanitizers. Random data, all thread counts, interrupts, exceptions,
// and memory that runs out.
//
// What the numbers should be is the business of the R tests; here they must be finite, never fall from one
// iteration to the next, and be the same to the last bit for 1, 2 and 3 threads.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine.h"
#include "family_binomial.h"
#include "family_gaussian.h"
#include "latent_mixture.h"
#include "race.h"
#include "start.h"

namespace {

// This thread's so manieth allocation from now on fails; 0: none does.
thread_local int allocations_left = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (allocations_left > 0 && --allocations_left == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace {

using em::Index;

int n_failures = 0;

void check(bool holds, const std::string& what) {
  if (holds) return;
  ++n_failures;
  std::printf("FAILED: %s\n", what.c_str());
}

bool same_bits(const double* a, const double* b, std::size_t n) {
  return n == 0 || std::memcmp(a, b, n * sizeof(double)) == 0;
}

bool same_bits(const em::Vector& a, const em::Vector& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), static_cast<std::size_t>(a.size()));
}

bool same_bits(const em::Fit& a, const em::Fit& b) {
  return a.status == b.status && a.iterations == b.iterations && same_bits(a.parameters, b.parameters) &&
         a.trace.size() == b.trace.size() && same_bits(a.trace.data(), b.trace.data(), a.trace.size());
}

// Three groups along the diagonal; enough rows for several slices, and a last block that is not full.
struct GaussianData {
  static constexpr Index n = 20011;
  em::Matrix x;
  em::Vector weights = em::Vector(n);

  explicit GaussianData(Index d) : x(n, d) {
    std::mt19937_64 engine(17);
    std::normal_distribution<double> normal;
    for (Index i = 0; i < n; ++i) {
      const double scale = i % 3 == 0 ? 0.7 : 1.3;
      for (Index j = 0; j < d; ++j) x(i, j) = 3.0 * static_cast<double>(i % 3) + scale * normal(engine);
      weights[i] = static_cast<double>(i % 4);  // some of them 0
    }
  }
};

struct BinomialData {
  static constexpr Index n = 12007;
  em::Vector successes = em::Vector(n);
  em::Vector trials = em::Vector(n);

  BinomialData() {
    std::mt19937_64 engine(29);
    for (Index i = 0; i < n; ++i) {
      const int size = static_cast<int>(i % 23);  // some rows without a trial
      std::binomial_distribution<int> draw(size, i % 2 ? 0.2 : 0.7);
      trials[i] = size;
      successes[i] = size > 0 ? draw(engine) : 0;
    }
  }
};

// Equal proportions, free or held.
std::unique_ptr<em::Latent> mixture(Index k, bool held = false) {
  const em::Vector equal = em::Vector::Constant(k, 1.0 / static_cast<double>(k));
  const em::Vector open = em::Vector::Constant(k, std::numeric_limits<double>::quiet_NaN());
  return std::make_unique<em::LatentMixture>(equal, held ? equal : open, em::KnownRows());
}

std::vector<em::Start> some_starts(em::Model& model, const double* weights,
                                   std::vector<std::vector<int>>& labels) {
  model.family().describe(weights);
  em::Random random(5);
  labels.push_back(em::kmeans_partition(model.family(), weights, model.n_components(), random));
  labels.push_back(em::random_partition(model.family(), model.n_components(), random));
  std::vector<em::Start> starts(labels.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i].partition = labels[i].data();
    starts[i].forgiving = true;
  }
  return starts;
}

void check_fit(const em::Fit& fit, int iterations, const std::string& what) {
  check(fit.status == em::Status::max_iter, what + ": status");
  check(fit.iterations == iterations, what + ": iterations");
  check(fit.parameters.allFinite(), what + ": parameters are finite");
  check(std::isfinite(fit.loglik) && fit.loglik == fit.trace.back(), what + ": log-likelihood");
  check(fit.path.size() == fit.trace.size(), what + ": the path has an entry for each iteration");
  for (std::size_t i = 1; i < fit.trace.size(); ++i) {
    check(fit.trace[i] >= fit.trace[i - 1] - 1e-10 * (1.0 + std::abs(fit.trace[i])), what + ": ascent");
  }
}

// One start shares its slices between threads, several starts are spread over them; both must not show.
void check_threads(em::Model& model, const double* weights, const std::string& what) {
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, weights, labels);
  em::Control control;
  control.tol = 0.0;
  control.max_iter = 8;
  control.path = true;

  std::vector<em::Fit> single;
  for (int threads = 1; threads <= 3; ++threads) {
    const std::string here = what + ", " + std::to_string(threads) + " threads";
    control.threads = threads;
    em::Interrupt interrupt;
    const std::vector<em::Fit> together = em::run_all(model, starts, control, interrupt);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      check_fit(together[i], control.max_iter, here);
      const em::Fit alone = em::run_all(model, {starts[i]}, control, interrupt).at(0);
      if (threads == 1) single.push_back(alone);
      check(same_bits(single[i], together[i]), here + ": starts together give the bits of one thread");
      check(same_bits(single[i], alone), here + ": one start gives the bits of one thread");
    }
  }
}

// What a race sets aside does not depend on the threads, and what it lets run ends as it would alone.
void check_race(em::Model& model, const double* weights, const std::string& what) {
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, weights, labels);
  em::Control control;
  control.finalists = 1;
  std::vector<em::Fit> first;
  for (int threads = 1; threads <= 3; ++threads) {
    const std::string here = what + ", race on " + std::to_string(threads) + " threads";
    control.threads = threads;
    em::Interrupt interrupt;
    const std::vector<em::Fit> race = em::run_race(model, starts, control, interrupt);
    if (threads == 1) first = race;
    int ran = 0;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      check(same_bits(first[i], race[i]), here + ": the bits of one thread");
      check(race[i].status == first[i].status, here + ": the fate of one thread");
      if (race[i].status == em::Status::stopped_early) continue;
      ++ran;
      check(same_bits(em::run_all(model, {starts[i]}, control, interrupt).at(0), race[i]),
            here + ": as alone");
    }
    check(ran >= 1, here + ": one runs to the end");
  }
}

void check_report(em::Model& model, const std::string& what) {
  const Index n = model.n_rows();
  const Index k = model.n_components();
  check(model.prepare(em::Accuracy::exact) < 0, what + ": prepare");
  em::Interrupt interrupt;
  em::Matrix first_responsibilities;
  em::Vector first_loglik;
  for (int threads = 1; threads <= 3; ++threads) {
    em::Matrix responsibilities(n, k);
    em::Matrix log_density(n, k);
    em::Vector row_loglik(n);
    model.report(responsibilities.data(), log_density.data(), row_loglik.data(), threads, interrupt);
    check((responsibilities.rowwise().sum().array() - 1.0).abs().maxCoeff() < 1e-12,
          what + ": responsibilities sum to one");
    check(row_loglik.allFinite(), what + ": log densities of the rows");
    if (threads == 1) {
      first_responsibilities = responsibilities;
      first_loglik = row_loglik;
    }
    check(first_responsibilities == responsibilities && same_bits(first_loglik, row_loglik),
          what + ": report gives the bits of one thread");
  }
}

void gaussian(Index d, const char* structure, bool weighted) {
  const std::string what = std::string("gaussian ") + structure + ", d = " + std::to_string(d);
  const GaussianData data(d);
  const double* weights = weighted ? data.weights.data() : nullptr;
  em::Model model(
      std::make_unique<em::FamilyGaussian>(data.n, d, data.x.data(), 3, em::parse_structure(structure)),
      mixture(3), weights);
  check_threads(model, weights, what);
  check_race(model, weights, what);

  em::Interrupt interrupt;
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, weights, labels);
  em::Control control;
  control.max_iter = 2;
  em::run_from(model, starts[0], control, interrupt);
  check_report(model, what);
}

void binomial() {
  const BinomialData data;
  const auto make = [&](bool held) {
    return em::Model(
        std::make_unique<em::FamilyBinomial>(data.n, data.successes.data(), data.trials.data(), 2),
        mixture(2, held), nullptr);
  };
  em::Model free = make(false);
  check_threads(free, nullptr, "binomial");
  em::Model held = make(true);
  check_threads(held, nullptr, "binomial, proportions held");
  em::Interrupt interrupt;
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(free, nullptr, labels);
  em::Control control;
  control.max_iter = 2;
  em::run_from(free, starts[0], control, interrupt);
  check_report(free, "binomial");
}

// A run that would go on for hours ends soon after somebody asks it to, and the model serves again.
void interrupted() {
  const GaussianData data(2);
  em::Model model(
      std::make_unique<em::FamilyGaussian>(data.n, 2, data.x.data(), 3, em::parse_structure("VVV")),
      mixture(3), nullptr);
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, nullptr, labels);
  em::Control control;
  control.tol = 0.0;
  control.max_iter = 100000000;
  for (int threads = 1; threads <= 3; ++threads) {
    const std::string what = "interrupt, " + std::to_string(threads) + " threads";
    control.threads = threads;
    int asked = 0;
    em::Interrupt interrupt([&] { return ++asked >= 3; });
    const em::Fit fit = em::run_all(model, {starts[0]}, control, interrupt).at(0);
    check(fit.status == em::Status::interrupted, what + ": status");
    check(asked == 3, what + ": asks no more once the answer was yes");
    check(fit.parameters.allFinite(), what + ": parameters are finite");

    asked = 0;
    em::Interrupt both([&] { return ++asked >= 3; });
    check(em::run_all(model, starts, control, both).size() == starts.size(), what + ": several starts");

    em::Interrupt raised;
    raised.raise();
    const em::Fit none = em::run_all(model, {starts[0]}, control, raised).at(0);
    check(none.iterations == 0, what + ": raised before the first iteration");
  }
}

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A family that fails on one block in the middle of the data.
class BrokenFamily : public em::FamilyGaussian {
 public:
  using em::FamilyGaussian::FamilyGaussian;

  void accumulate(em::Rows rows, double* work, em::ConstMatrixRef responsibilities,
                  em::VectorRef statistics) const override {
    if (rows.begin <= broken_row && broken_row < rows.end())
      throw Broken("row " + std::to_string(broken_row));
    em::FamilyGaussian::accumulate(rows, work, responsibilities, statistics);
  }
  std::unique_ptr<em::Family> clone() const override { return std::make_unique<BrokenFamily>(*this); }

  static constexpr Index broken_row = 9000;
};

void exceptions() {
  const GaussianData data(2);
  em::Model model(std::make_unique<BrokenFamily>(data.n, 2, data.x.data(), 3, em::parse_structure("VVV")),
                  mixture(3), nullptr);
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, nullptr, labels);
  em::Control control;
  for (int threads = 1; threads <= 3; ++threads) {
    control.threads = threads;
    for (const bool together : {false, true}) {
      const std::string what = "exception, " + std::to_string(threads) + " threads";
      em::Interrupt interrupt;
      std::string caught;
      try {
        em::run_all(model, together ? starts : std::vector<em::Start>{starts[0]}, control, interrupt);
      } catch (const Broken& broken) {
        caught = broken.what();
      }
      check(caught == "row 9000", what + ": reaches the caller as it was thrown");
    }
  }
}

// A task of an ordered crowd fails before its turn, in it, or after: the others go on, and the caller hears
// of it.
void ordered_exceptions() {
  enum class Place { before, inside, after };
  constexpr Index n = 50;
  for (const Place place : {Place::before, Place::inside, Place::after}) {
    for (int threads = 1; threads <= 4; ++threads) {
      for (const Index broken : {Index{0}, Index{7}, n - 1}) {
        em::Interrupt interrupt;
        em::Turnstile turnstile;
        std::vector<Index> passed;
        std::string caught;
        const auto fail_at = [&](Place here, Index i) {
          if (here == place && i == broken) throw Broken("task " + std::to_string(i));
        };
        try {
          em::parallel_for(n, threads, interrupt, [&](Index i, int) {
            em::Turnstile::Ticket ticket(turnstile, i);
            fail_at(Place::before, i);
            ticket.pass([&] {
              fail_at(Place::inside, i);
              passed.push_back(i);
            });
            fail_at(Place::after, i);
          });
        } catch (const Broken& failure) {
          caught = failure.what();
        }
        const std::string what = "ordered exception, " + std::to_string(threads) + " threads";
        check(caught == "task " + std::to_string(broken), what + ": reaches the caller");
        for (std::size_t i = 1; i < passed.size(); ++i) check(passed[i - 1] < passed[i], what + ": order");
        const auto all = static_cast<std::size_t>(n) - (place == Place::after ? 0 : 1);
        check(threads == 1 || passed.size() == all, what + ": all others pass");
      }
    }
  }
}

// Threads that can't be had, for want of memory too, leave their work to others; a question that throws ends
// all.
void no_threads() {
  for (int fails = 1; fails <= 12; ++fails) {
    em::Interrupt interrupt;
    std::atomic<int> sum{0};
    bool refused = false;
    allocations_left = fails;
    try {
      em::parallel_for(100, 4, interrupt, [&](Index i, int) { sum += static_cast<int>(i); });
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    allocations_left = 0;
    check(refused || sum == 4950, "no memory for a thread: all is done, or nothing");
  }
  em::Interrupt asks([]() -> bool { throw Broken("asked"); });
  std::string caught;
  try {
    em::parallel_for(4, 2, asks, [&](Index, int) {
      while (!asks.raised()) std::this_thread::yield();
    });
  } catch (const Broken& failure) {
    caught = failure.what();
  }
  check(caught == "asked", "a question that throws: reaches the caller, and stops the others");
}

void small() {
  // As many rows as components, and fewer rows than a block.
  const em::Vector x = (em::Vector(3) << -1.0, 0.5, 4.0).finished();
  em::Model model(std::make_unique<em::FamilyGaussian>(3, 1, x.data(), 1, em::parse_structure("V")),
                  mixture(1), nullptr);
  model.family().describe(nullptr);
  const em::Matrix responsibilities = em::Matrix::Ones(3, 1);
  em::Start start;
  start.responsibilities = responsibilities.data();
  em::Control control;
  control.threads = 3;
  em::Interrupt interrupt;
  const em::Fit fit = em::run_from(model, start, control, interrupt);
  const double mean = x.mean();
  const double variance = (x.array() - mean).square().mean();
  const double loglik = -1.5 * (std::log(2.0 * std::acos(-1.0) * variance) + 1.0);
  check(std::abs(fit.loglik - loglik) < 1e-12, "three rows: the closed form");
  check(fit.status == em::Status::converged, "three rows: converged");
}

}  // namespace

int main() {
  for (const Index d : {Index{2}, Index{4}}) {
    for (const char* structure : {"EII", "VII", "EEI", "VVI", "EEE", "VVV"}) gaussian(d, structure, d == 4);
  }
  for (const char* structure : {"E", "V"}) gaussian(1, structure, true);
  binomial();
  interrupted();
  exceptions();
  ordered_exceptions();
  no_threads();
  small();
  std::printf("test_core: %s\n",
              n_failures == 0 ? "all held" : (std::to_string(n_failures) + " failures").c_str());
  return n_failures == 0 ? 0 : 1;
}
