// test_poisson.cpp: counts without R, beside loops that are written from the formulae.
//
// Log densities, M-steps, gradients by differences, what is missing, the boundary, large counts; the same
// bits for 1, 2 and 3 threads over several slices.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "family_poisson.h"
#include "latent_mixture.h"
#include "model.h"
#include "numerics.h"
#include "start.h"

namespace {

using em::Index;
using em::Matrix;
using em::Vector;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

int n_failures = 0;

void check(bool holds, const std::string& what) {
  if (holds) return;
  ++n_failures;
  std::printf("FAILED: %s\n", what.c_str());
}

bool close(double a, double b, double tolerance) {
  return a == b || std::abs(a - b) <= tolerance * (1.0 + std::abs(b));
}

// Everything that a family of this kind can be asked without knowing which it is. density(i, k) and step(r)
// are the naive loops: a log density, and the parameters from responsibilities times weights.
struct Naive {
  std::function<double(Index, Index)> density;
  std::function<Vector(const Matrix&)> step;
};

std::unique_ptr<em::Latent> mixture(Index k) {
  return std::make_unique<em::LatentMixture>(Vector::Constant(k, 1.0 / double(k)),
                                             Vector::Constant(k, missing));
}

em::Data rows_of(const Matrix& x, const double* weights = nullptr) {
  em::Data out;
  out.x = x.data();
  out.n = x.rows();
  out.d = x.cols();
  out.weights = weights;
  return out;
}

Vector parameters_of(em::Family& family) {
  Vector out(em::packed_size(family.parameters()));
  em::pack(family.parameters(), out);
  return out;
}

void check_density(em::Model& model, const Naive& naive, const std::string& what) {
  const Index n = model.data().n;
  const Index k = model.n_components();
  em::Interrupt interrupt;
  for (const em::Accuracy accuracy : {em::Accuracy::fast, em::Accuracy::exact}) {
    check(model.prepare(accuracy) == -1, what + ": prepare");
    Matrix density(n, k);
    model.report(nullptr, density.data(), nullptr, 1, interrupt);
    double worst = 0.0;
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < k; ++j) {
        const double expected = naive.density(i, j);
        if (expected == density(i, j)) continue;
        if (std::isinf(expected)) worst = em::infinity;
        worst = std::max(worst, std::abs(density(i, j) - expected) / (1.0 + std::abs(expected)));
      }
    }
    check(worst < 1e-11, what + ": log density, off by " + std::to_string(worst * 1e12) + "e-12");
  }
}

void check_step(em::Model& model, const Naive& naive, const double* weights, const std::string& what) {
  const Index n = model.data().n;
  em::Interrupt interrupt;
  model.prepare(em::Accuracy::exact);
  Matrix responsibilities(n, model.n_components());
  model.report(responsibilities.data(), nullptr, nullptr, 1, interrupt);
  model.expect(1, interrupt);
  const Vector statistics = model.statistics();
  model.expect_given({responsibilities.data(), nullptr}, 1, interrupt);
  check((statistics - model.statistics()).norm() <= 1e-11 * statistics.norm(), what + ": statistics, given");
  model.maximise(em::Step::em);
  Matrix r = responsibilities;
  for (Index i = 0; weights && i < n; ++i) r.row(i) *= weights[i];
  const Vector expected = naive.step(r);
  const Vector found = parameters_of(model.family());
  check((found - expected).cwiseAbs().maxCoeff() <= 1e-11 * (1.0 + expected.cwiseAbs().maxCoeff()),
        what + ": M-step");
}

void check_ascent(em::Model& model, const std::string& what) {
  em::Interrupt interrupt;
  std::vector<Vector> ends;
  const Vector start = parameters_of(model.family());
  for (int threads = 1; threads <= 3; ++threads) {
    em::unpack(start, model.family().parameters());
    std::unique_ptr<em::Model> own = std::make_unique<em::Model>(model);
    double last = -em::infinity;
    for (int i = 0; i < 8; ++i) {
      own->prepare(em::Accuracy::fast);
      const double now = own->objective(threads, interrupt);
      check(now >= last - 1e-10 * (1.0 + std::abs(now)) && std::isfinite(now), what + ": ascent");
      last = now;
      own->maximise(em::Step::em);
    }
    ends.push_back(parameters_of(own->family()));
    check(std::memcmp(ends.front().data(), ends.back().data(),
                      sizeof(double) * size_t(ends.front().size())) == 0,
          what + ": the bits of one thread on " + std::to_string(threads));
  }
}

// slope: what score() says of each parameter; move(at, step) moves it by a step on its own scale.
void check_score(em::Model& model, const std::function<void(Index, double)>& move, const std::string& what) {
  em::Interrupt interrupt;
  em::Family& family = model.family();
  const Vector here = parameters_of(family);
  const auto value = [&] {
    model.prepare(em::Accuracy::exact);
    return model.objective(1, interrupt);
  };
  value();
  Vector slope(here.size());
  Vector rows(here.size());
  Vector information = Vector::Ones(here.size());
  family.score(model.statistics().head(family.n_statistics()), slope, rows, information);
  const double step = 1e-4;
  for (Index at = 0; at < here.size(); ++at) {
    double found = 0.0;
    for (const double times : {8.0, -8.0, -1.0, 1.0}) {  // five-point rule
      em::unpack(here, family.parameters());
      move(at, (std::abs(times) == 8.0 ? 1.0 : 2.0) * (times > 0.0 ? 1.0 : -1.0) * step);
      found += (std::abs(times) == 8.0 ? 8.0 : -1.0) * (times > 0.0 ? 1.0 : -1.0) * value() / (12.0 * step);
    }
    check(close(found, slope[at], 2e-7 * std::sqrt(double(model.data().n))),
          what + ": slope " + std::to_string(at) + ", " + std::to_string(slope[at]) + " not " +
              std::to_string(found));
    check(rows[at] >= 0.0, what + ": rows");
  }
  em::unpack(here, family.parameters());
}

// Free coordinates: as many as free parameters, and the gradient in them.
void check_chart(em::Model& model, const std::string& what) {
  em::Interrupt interrupt;
  const auto value = [&] {
    model.prepare(em::Accuracy::exact);
    return model.objective(1, interrupt);
  };
  value();
  const std::unique_ptr<em::Chart> chart = model.chart();
  check(chart->size() == model.n_free(), what + ": coordinates");
  Vector gradient(chart->size());
  chart->gradient(model.statistics(), gradient);
  const double step = 1e-3;
  for (Index at = 0; at < chart->size(); ++at) {
    const auto moved = [&](double by) {
      chart->move_to(Vector::Unit(chart->size(), at) * by);
      return value();
    };
    const double found =
        (8.0 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12.0 * step);
    check(close(found, gradient[at], 1e-5), what + ": gradient " + std::to_string(at) + ", " +
                                                std::to_string(gradient[at]) + " not " +
                                                std::to_string(found));
  }
  chart->move_to(Vector::Zero(chart->size()));
}

void check_starts(em::Model& model, const std::string& what) {
  em::Family& family = model.family();
  family.describe();
  Matrix features(model.data().n, family.n_features());
  family.features({0, model.data().n}, features);
  check(features.allFinite(), what + ": features are finite");
  em::Random random(7);
  const std::vector<int> partition = em::kmeans_partition(family, model.n_components(), random);
  em::Interrupt interrupt;
  model.maximise_from({nullptr, partition.data()}, em::Step::start, 1, interrupt);
  const Vector there = parameters_of(family);
  check(there.allFinite() && (there.array() > 0.0).all(), what + ": a start is off the boundary");
  family.start_at(em::random_rows(family, model.n_components(), random));
  check(parameters_of(family).allFinite() && (parameters_of(family).array() > 0.0).all(),
        what + ": start_at");
  check(family.distance(0, 0, 1.0) < 1e-6 && family.distance(0, 1, 1.0) > 0.0, what + ": distance");
}

struct PoissonData {
  static constexpr Index n = 12007;
  Index p;
  Index q;
  Matrix x;  // counts, then exposures
  Vector weights = Vector(n);

  PoissonData(Index n_counts, Index n_exposures) : p(n_counts), q(n_exposures), x(n, p + q) {
    std::mt19937_64 engine(31);
    std::uniform_real_distribution<double> uniform;
    for (Index i = 0; i < n; ++i) {
      weights[i] = double(i % 4);
      for (Index j = 0; j < q; ++j) {
        x(i, p + j) = 0.1 + 3.0 * uniform(engine);
        if (i % 17 == j) x(i, p + j) = 0.0;  // no service, or a missing cell
      }
      for (Index j = 0; j < p; ++j) {
        const double mean = (i % 3 == 0 ? 0.7 : i % 3 == 1 ? 4.0 : 11.0) * double(j + 1) * exposed(i, j);
        x(i, j) = mean > 0.0 ? double(std::poisson_distribution<int>(mean)(engine)) : 0.0;
      }
    }
  }
  double exposed(Index i, Index j) const { return q == 0 ? 1.0 : x(i, p + (q == 1 ? 0 : j)); }
  std::unique_ptr<em::FamilyPoisson> family(Index k) const {
    return std::make_unique<em::FamilyPoisson>(k, p, q);
  }
};

void set_rates(em::Family& family, Index k, Index p) {
  Vector rate(k * p);
  for (Index at = 0; at < rate.size(); ++at) rate[at] = 0.9 + 3.7 * double(at % k) + 0.4 * double(at / k);
  em::unpack(rate, family.parameters());
}

Naive naive_poisson(const PoissonData& data, em::Family& family) {
  const Index k = family.n_components();
  const double* rate = family.parameters()[0].data;
  Naive out;
  out.density = [&data, rate, k](Index i, Index j) {
    double sum = 0.0;
    for (Index c = 0; c < data.p; ++c) {
      const double mean = rate[j + k * c] * data.exposed(i, c);
      const double y = data.x(i, c);
      sum += (y > 0.0 ? y * std::log(mean) : 0.0) - mean - std::lgamma(y + 1.0);
    }
    return sum;
  };
  out.step = [&data, k](const Matrix& r) {
    Vector rates(k * data.p);
    for (Index c = 0; c < data.p; ++c) {
      for (Index j = 0; j < k; ++j) {
        double events = 0.0;
        double exposure = 0.0;
        for (Index i = 0; i < data.n; ++i) {
          events += r(i, j) * data.x(i, c);
          exposure += r(i, j) * data.exposed(i, c);
        }
        rates[j + k * c] = events / exposure;
      }
    }
    return rates;
  };
  return out;
}

void poisson(Index p, Index q, bool weighted) {
  const std::string what = "poisson " + std::to_string(p) + " columns, " + std::to_string(q) + " exposures";
  const PoissonData data(p, q);
  const double* weights = weighted ? data.weights.data() : nullptr;
  em::Model model(data.family(3), mixture(3), rows_of(data.x, weights));
  const Naive naive = naive_poisson(data, model.family());
  set_rates(model.family(), 3, p);
  check(model.family().n_free() == 3 * p, what + ": free parameters");
  check_density(model, naive, what);
  check_step(model, naive, weights, what);
  set_rates(model.family(), 3, p);
  dynamic_cast<em::FamilyPoisson&>(model.family()).set_prior({2.0, 1.5});
  double* rate = model.family().parameters()[0].data;
  check_score(
      model, [&](Index at, double by) { rate[at] *= std::exp(by); }, what);
  check_chart(model, what);
  check_ascent(model, what);
  check_starts(model, what);
}

// A rate of 0 gives counts no density, and rows without counts all of theirs; an M-step keeps it.
void poisson_boundary() {
  PoissonData data(1, 1);
  em::Model model(data.family(2), mixture(2), rows_of(data.x));
  const Naive naive = naive_poisson(data, model.family());
  em::unpack((Vector(2) << 0.0, 5.0).finished(), model.family().parameters());
  check_density(model, naive, "poisson, rate 0");
  em::Interrupt interrupt;
  check(std::isfinite(model.expect(1, interrupt)), "poisson, rate 0: log-likelihood");
  model.maximise(em::Step::em);
  check(parameters_of(model.family())[0] == 0.0, "poisson, rate 0: stays");
  data.x.col(0).setZero();
  em::Model empty(data.family(1), mixture(1), rows_of(data.x));
  empty.prepare(em::Accuracy::exact);
  empty.expect(1, interrupt);
  empty.maximise(em::Step::em);
  empty.prepare(em::Accuracy::exact);
  check(empty.expect(1, interrupt) == 0.0, "poisson without counts: the likelihood is 1");
}

// At its mean a count has log probability -log(2 pi y) / 2 - 1 / (12 y) + ...
void poisson_large() {
  for (const double y : {1e6, 1e9, 1e12, 1e15}) {
    for (const double off : {0.0, 1.0, -3.0}) {
      const double mean = y + off * std::sqrt(y);
      const double d = (mean - y) / y;
      // d - log1p(d), by its series
      const double half = std::abs(d) < 1e-4 ? d * d * (0.5 - d / 3.0 + d * d / 4.0) : d - std::log1p(d);
      const double expected = -0.5 * (em::log_two_pi + std::log(y)) - 1.0 / (12.0 * y) - y * half;
      const Matrix x = Matrix::Constant(1, 1, y);
      em::Model model(std::make_unique<em::FamilyPoisson>(1, 1, 0), mixture(1), rows_of(x));
      em::unpack(Vector::Constant(1, mean), model.family().parameters());
      model.prepare(em::Accuracy::exact);
      em::Interrupt interrupt;
      const double found = model.expect(1, interrupt);
      // The mean itself is known to y eps
      check(close(found, expected, 1e-12 + std::abs(off) * std::sqrt(y) * 2e-16),
            "poisson, counts of " + std::to_string(y) + ": " + std::to_string(found - expected));
    }
  }
}

}  // namespace

int main() {
  poisson(1, 0, false);
  poisson(1, 1, true);
  poisson(3, 0, true);
  poisson(3, 1, false);
  poisson(3, 3, true);
  poisson_boundary();
  poisson_large();
  std::printf("test_poisson: %s\n",
              n_failures == 0 ? "all held" : (std::to_string(n_failures) + " failures").c_str());
  return n_failures == 0 ? 0 : 1;
}
