// test_core.cpp: the core without R, for sanitizers. Random data, all thread counts, units, a family of no
// more than the contract asks, interrupts, exceptions, and memory that runs out.
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

#include "chart_fields.h"
#include "engine.h"
#include "family_binomial.h"
#include "family_gaussian.h"
#include "information.h"
#include "latent_mixture.h"
#include "latent_mixture_units.h"
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
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*quiet*/) noexcept {
  if (allocations_left > 0 && --allocations_left == 0) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
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

  em::Data rows(bool weighted) const {
    em::Data out;
    out.x = x.data();
    out.n = n;
    out.d = x.cols();
    if (weighted) out.weights = weights.data();
    return out;
  }

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
  em::Matrix counts = em::Matrix(n, 2);  // successes, trials

  BinomialData() {
    std::mt19937_64 engine(29);
    for (Index i = 0; i < n; ++i) {
      const int size = static_cast<int>(i % 23);  // some rows without a trial
      std::binomial_distribution<int> draw(size, i % 2 ? 0.2 : 0.7);
      counts(i, 1) = size;
      counts(i, 0) = size > 0 ? draw(engine) : 0;
    }
  }

  em::Data rows() const {
    em::Data out;
    out.x = counts.data();
    out.n = n;
    out.d = 2;
    return out;
  }
};

// Equal proportions, free or held.
std::unique_ptr<em::Latent> mixture(Index k, bool held = false) {
  const em::Vector equal = em::Vector::Constant(k, 1.0 / static_cast<double>(k));
  const em::Vector open = em::Vector::Constant(k, std::numeric_limits<double>::quiet_NaN());
  return std::make_unique<em::LatentMixture>(equal, held ? equal : open);
}

std::vector<em::Start> some_starts(em::Model& model, std::vector<std::vector<int>>& labels) {
  model.describe();
  em::Random random(5);
  labels.push_back(em::kmeans_partition(model.family(), model.n_components(), random));
  labels.push_back(em::random_partition(model.family(), model.n_components(), random));
  std::vector<em::Start> starts(labels.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i].partition = labels[i].data();
    starts[i].may_borrow = true;
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
void check_threads(em::Model& model, const std::string& what) {
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
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
void check_race(em::Model& model, const std::string& what) {
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
  em::Control control;
  control.race.finalists = 1;
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
  em::Model model(std::make_unique<em::FamilyGaussian>(d, 3, em::parse_structure(structure)), mixture(3),
                  data.rows(weighted));
  check_threads(model, what);
  check_race(model, what);

  em::Interrupt interrupt;
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
  em::Control control;
  control.max_iter = 2;
  em::run_from(model, starts[0], control, interrupt);
  check_report(model, what);
}

void binomial() {
  const BinomialData data;
  const auto make = [&](bool held) {
    return em::Model(std::make_unique<em::FamilyBinomial>(2), mixture(2, held), data.rows());
  };
  em::Model free = make(false);
  check_threads(free, "binomial");
  em::Model held = make(true);
  check_threads(held, "binomial, proportions held");
  em::Interrupt interrupt;
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(free, labels);
  em::Control control;
  control.max_iter = 2;
  em::run_from(free, starts[0], control, interrupt);
  check_report(free, "binomial");
}

// A run that would go on for hours ends soon after somebody asks it to, and the model serves again.
void interrupted() {
  const GaussianData data(2);
  em::Model model(std::make_unique<em::FamilyGaussian>(2, 3, em::parse_structure("VVV")), mixture(3),
                  data.rows(false));
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
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

// The gradient in a chart's coordinates against differences of the log-likelihood.
void check_gradient(em::Model& model, const std::string& what) {
  em::Interrupt interrupt;
  model.prepare(em::Accuracy::exact);
  model.expect(2, interrupt);
  const auto chart = model.chart();
  check(chart->size() == model.n_free(), what + ": as many coordinates as are free");
  em::Vector u = em::Vector::Constant(chart->size(), 0.3), gradient(chart->size());
  const auto loglik_at = [&](const em::Vector& at) {
    chart->move_to(at);
    model.prepare(em::Accuracy::exact);
    return model.expect(2, interrupt);
  };
  loglik_at(u);
  chart->gradient(model.statistics(), gradient);
  for (Index i = 0; i < u.size(); ++i) {
    em::Vector ahead = u, behind = u;
    ahead[i] += 1e-4;
    behind[i] -= 1e-4;
    const double slope = (loglik_at(ahead) - loglik_at(behind)) / 2e-4;
    check(std::abs(slope - gradient[i]) < 1e-4 * (1.0 + std::abs(slope)), what + ": gradient");
  }
}

// Units of 1, 2, .. rows, and one that is longer than a block and a slice.
struct UnitData {
  static constexpr Index n = 20011;
  GaussianData data{2};
  std::vector<int> ends;
  std::vector<int> labels = std::vector<int>(n, 0);

  UnitData() {
    for (int end = 0, size = 1; end < n; size = size % 7 + 1) {
      end += ends.size() == 800 ? 6001 : size;
      ends.push_back(std::min(end, int{n}));
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
      for (int row = i == 0 ? 0 : ends[i - 1]; row < ends[i]; ++row) {
        data.weights[row] = static_cast<double>(i % 4);
      }
      if (i % 11 == 0) labels[static_cast<std::size_t>(ends[i] - 1)] = static_cast<int>(i % 3 + 1);
    }
  }

  em::Data rows() const {
    em::Data out = data.rows(true);
    out.units = {ends.data(), static_cast<Index>(ends.size())};
    out.known.labels = labels.data();
    return out;
  }
};

std::unique_ptr<em::Latent> mixture_of_units(Index k) {
  const em::Vector equal = em::Vector::Constant(k, 1.0 / static_cast<double>(k));
  const em::Vector open = em::Vector::Constant(k, std::numeric_limits<double>::quiet_NaN());
  return std::make_unique<em::LatentMixtureUnits>(equal, open);
}

// What the model says of units against a loop over them.
void check_units(em::Model& model, const UnitData& units) {
  const Index n = model.n_rows();
  const Index k = model.n_components();
  em::Interrupt interrupt;
  model.prepare(em::Accuracy::exact);
  em::Matrix r(n, k), density(n, k), filtered(n, k), path(n, k);
  em::Vector row_loglik(n);
  model.report(r.data(), density.data(), row_loglik.data(), 2, interrupt);
  model.decode(em::Decoding::filtered, filtered.data(), 2, interrupt);
  model.decode(em::Decoding::path, path.data(), 2, interrupt);
  const double loglik = model.expect(2, interrupt);
  const em::Vector counts = model.counts();
  const em::Vector of_units = model.statistics().tail(2 * k).head(k);

  const em::ConstVectorMap proportions(model.fields()[0].data, k);
  double naive_loglik = 0.0, worst = 0.0;
  em::Vector naive_counts = em::Vector::Zero(k), naive_units = em::Vector::Zero(k);
  Index begin = 0;
  for (const int end : units.ends) {
    em::Vector joint = proportions.array().log();
    double before = 0.0;
    for (Index i = begin; i < end; ++i) {
      const int label = units.labels[static_cast<std::size_t>(i)];
      for (Index j = 0; j < k; ++j) {
        if (label > 0 && label != j + 1) joint[j] = -std::numeric_limits<double>::infinity();
      }
    }
    for (Index i = begin; i < end; ++i) {
      joint += density.row(i).transpose();
      const double top = joint.maxCoeff();
      const double here = top + std::log((joint.array() - top).exp().sum());
      const em::Vector now = (joint.array() - here).exp();
      worst = std::max(worst, (filtered.row(i).transpose() - now).cwiseAbs().maxCoeff());
      worst = std::max(worst, std::abs(row_loglik[i] - (here - before)) / (1.0 + std::abs(here)));
      before = here;
    }
    const em::Vector posterior = (joint.array() - before).exp();
    const double weight = units.data.weights[begin];
    for (Index i = begin; i < end; ++i) {
      worst = std::max(worst, (r.row(i).transpose() - posterior).cwiseAbs().maxCoeff());
      Index first = 0;
      posterior.maxCoeff(&first);
      worst = std::max(worst, std::abs(path(i, first) - 1.0) + std::abs(path.row(i).sum() - 1.0));
    }
    naive_loglik += weight * before;
    naive_units += weight * posterior;
    naive_counts += weight * static_cast<double>(end - begin) * posterior;
    begin = end;
  }
  check(worst < 1e-12, "units: responsibilities, densities, decoding as by a loop");
  check(std::abs(loglik / naive_loglik - 1.0) < 1e-12, "units: log-likelihood as by a loop");
  check((counts - naive_counts).cwiseAbs().maxCoeff() < 1e-8, "units: effective rows");
  check((of_units - naive_units).cwiseAbs().maxCoeff() < 1e-9, "units: effective units");
}

// The outer products of units' own gradients, and the gradient that they add up to.
void check_unit_scores(em::Model& model) {
  em::Interrupt interrupt;
  const em::Information scores = em::row_scores(model, 3, interrupt);
  check(scores.scores.rows() == model.n_units(), "units: a score for each");
  em::Vector sum = em::Vector::Zero(scores.scores.cols());
  for (Index u = 0; u < model.n_units(); ++u) {
    sum += model.data().weight(model.unit(u).begin) * scores.scores.row(u).transpose();
  }
  check((sum - scores.gradient).cwiseAbs().maxCoeff() < 1e-8, "units: scores add up to the gradient");
}

void units() {
  const UnitData units;
  em::Model model(std::make_unique<em::FamilyGaussian>(2, 3, em::parse_structure("VVV")), mixture_of_units(3),
                  units.rows());
  check_threads(model, "units");
  em::Interrupt interrupt;
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
  em::Control control;
  control.max_iter = 2;
  em::run_from(model, starts[0], control, interrupt);
  check_units(model, units);
  check_unit_scores(model);
  check_gradient(model, "units");

  // Units of one row are rows by themselves.
  std::vector<int> each(GaussianData::n);
  for (std::size_t i = 0; i < each.size(); ++i) each[i] = static_cast<int>(i + 1);
  em::Data alone = units.data.rows(true);
  em::Model plain(std::make_unique<em::FamilyGaussian>(2, 3, em::parse_structure("VVV")), mixture(3), alone);
  alone.units = {each.data(), GaussianData::n};
  em::Model ones(std::make_unique<em::FamilyGaussian>(2, 3, em::parse_structure("VVV")), mixture_of_units(3),
                 alone);
  control.max_iter = 5;
  control.tol = 0.0;
  plain.describe();
  ones.describe();
  const em::Fit a = em::run_from(plain, starts[0], control, interrupt);
  const em::Fit b = em::run_from(ones, starts[0], control, interrupt);
  check((a.parameters - b.parameters).cwiseAbs().maxCoeff() < 1e-10, "units of one row are rows");
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
  em::Model model(std::make_unique<BrokenFamily>(2, 3, em::parse_structure("VVV")), mixture(3),
                  data.rows(false));
  std::vector<std::vector<int>> labels;
  const std::vector<em::Start> starts = some_starts(model, labels);
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

// Exponential waiting times, written with no more than a family must say.
class Waiting : public em::Family {
 public:
  explicit Waiting(Index k) : Family(k), rate_(em::Vector::Ones(k)) {}

  Index n_statistics() const override { return 2 * k_; }
  Index n_free() const override { return k_; }
  em::Fields parameters() override {
    return {{"rate", em::Scale::positive, {{em::Axis::component, k_}}, rate_.data()}};
  }
  Index prepare(em::Accuracy /*accuracy*/) override {
    log_rate_ = rate_.array().log();
    return -1;
  }
  void log_density(em::Rows rows, double* /*work*/, em::MatrixRef out) const override {
    for (Index j = 0; j < k_; ++j) {
      for (Index i = 0; i < rows.size; ++i) out(i, j) = log_rate_[j] - rate_[j] * data_.x[rows.begin + i];
    }
  }
  void accumulate(em::Rows rows, double* /*work*/, em::ConstMatrixRef responsibilities,
                  em::VectorRef statistics) const override {
    for (Index j = 0; j < k_; ++j) {
      for (Index i = 0; i < rows.size; ++i) {
        statistics[j] += responsibilities(i, j);
        statistics[k_ + j] += responsibilities(i, j) * data_.x[rows.begin + i];
      }
    }
  }
  void maximise(em::ConstVectorRef statistics, em::Step /*step*/) override {
    for (Index j = 0; j < k_; ++j) {
      if (statistics[j] > 0.0) rate_[j] = statistics[j] / statistics[k_ + j];
    }
  }
  void score(em::ConstVectorRef statistics, em::VectorRef slope, em::VectorRef rows,
             em::VectorRef /*information*/) const override {
    rows = statistics.head(k_);
    slope = rows - statistics.tail(k_).cwiseProduct(rate_);
  }
  std::unique_ptr<em::Family> clone() const override { return std::make_unique<Waiting>(*this); }
  bool thread_safe() const override { return false; }

 private:
  em::Vector rate_;
  em::Vector log_rate_;
};

void defaults() {
  std::mt19937_64 engine(3);
  em::Matrix x(5003, 1);
  for (Index i = 0; i < x.size(); ++i) {
    x(i, 0) = std::exponential_distribution<double>(i % 3 ? 1.0 : 0.05)(engine);
  }
  em::Data data;
  data.x = x.data();
  data.n = x.rows();
  data.d = 1;
  em::Model model(std::make_unique<Waiting>(2), mixture(2), data);
  check_threads(model, "defaults");
  check_gradient(model, "defaults");
  model.family().start_at({0, 1});
  em::VectorMap rate(model.family_fields()[0].data, 2);
  for (Index j = 0; j < 2; ++j) {
    check(std::abs(rate[j] * (x(j, 0) + 0.25 * x.mean()) / 1.25 - 1.0) < 1e-12, "defaults: start_at()");
  }
  model.prepare(em::Accuracy::exact);
  check(model.family().distance(0, 1, 1.0) > 0.1, "defaults: distance()");
  rate[0] = rate[1];
  model.prepare(em::Accuracy::exact);
  check(model.family().distance(0, 1, 1.0) == 0.0, "defaults: distance() of equals");
  em::Matrix features(5003, 1);
  model.family().features({0, 5003}, features);
  check(std::abs(features.mean()) < 1e-12 && std::abs(features.squaredNorm() / 5003.0 - 1.0) < 1e-12,
        "defaults: features()");
}

// A 2 x 3 table of probabilities, rows summing to one, of which one is held and one lies on its boundary; a
// number, a rate and a probability beside it.
void charts() {
  double table[] = {0.2, 0.3, 0.5, 0.7, 0.3, 0.0};
  double number = 2.0, rate = 3.0, prob = 0.25;
  const double counts[] = {10.0, 20.0, 30.0, 5.0, 15.0, 0.0};
  const em::Extent states{em::Axis::state, 2};
  const em::Extent one{em::Axis::component, 1};
  const em::Fields fields = {
      {"table", em::Scale::simplex, {states, {em::Axis::category, 3}}, table},
      {"number", em::Scale::real, {one}, &number},
      {"rate", em::Scale::positive, {one}, &rate},
      {"prob", em::Scale::unit, {one}, &prob},
  };
  // 40 numbers of mean 1 and variance 4; 12 events in a time of 5; 9 successes of 30.
  const auto loglik = [&] {
    double sum = -0.5 * 40.0 * (number - 1.0) * (number - 1.0) / 4.0 + 12.0 * std::log(rate) - 5.0 * rate +
                 9.0 * std::log(prob) + 21.0 * std::log1p(-prob);
    for (int i = 0; i < 6; ++i) sum += counts[i] > 0.0 ? counts[i] * std::log(table[i]) : 0.0;
    return sum;
  };
  const em::Score score = [&](em::ConstVectorRef, em::VectorRef slope, em::VectorRef rows,
                              em::VectorRef information) {
    for (int i = 0; i < 6; ++i) slope[i] = rows[i] = counts[i];
    slope.tail(3) << 40.0 * (1.0 - number) / 4.0, 12.0 - 5.0 * rate, 9.0 - 30.0 * prob;
    rows.tail(3) << 40.0, 12.0, 30.0;
    information[6] = 0.25;
  };
  em::Vector held = em::Vector::Constant(9, std::numeric_limits<double>::quiet_NaN());
  held[0] = table[0];
  const auto chart = em::make_field_chart(fields, held, em::Vector(), score);
  check(chart->size() == 6, "charts: a coordinate for each that is free");
  em::Vector u(6), g(6);
  u << 0.4, -0.2, 0.3, 0.5, -0.3, 0.2;
  chart->move_to(u);
  chart->gradient(em::Vector(), g);
  check(table[0] == 0.2 && table[5] == 0.0, "charts: what is held or on a boundary stays");
  check(std::abs(table[0] + table[2] + table[4] - 1.0) < 1e-15 &&
            std::abs(table[1] + table[3] + table[5] - 1.0) < 1e-15,
        "charts: sums");
  for (Index i = 0; i < 6; ++i) {
    em::Vector ahead = u, behind = u;
    ahead[i] += 1e-5;
    behind[i] -= 1e-5;
    chart->move_to(ahead);
    const double up = loglik();
    chart->move_to(behind);
    check(std::abs((up - loglik()) / 2e-5 - g[i]) < 1e-6, "charts: gradient");
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
  em::Data data;
  data.x = x.data();
  data.n = 3;
  data.d = 1;
  em::Model model(std::make_unique<em::FamilyGaussian>(1, 1, em::parse_structure("V")), mixture(1), data);
  model.describe();
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
  units();
  defaults();
  charts();
  small();
  std::printf("test_core: %s\n",
              n_failures == 0 ? "all held" : (std::to_string(n_failures) + " failures").c_str());
  return n_failures == 0 ? 0 : 1;
}
