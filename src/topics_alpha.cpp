// The maximum of the bound in alpha: M (lnG(sum alpha) - sum lnG(alpha_j)) + sum alpha_j l_j, M documents
// with sums l_j of expected log shares. It is concave (Minka 2000, "Estimating a Dirichlet distribution").
#include <algorithm>
#include <cmath>

#include "gamma_functions.h"
#include "topics.h"

namespace em {

namespace {

constexpr double least_alpha = 1e-4;
constexpr double most_alpha = 1e6;

double objective(const Vector& alpha, const Vector& log_shares, double documents) {
  double value = documents * log_gamma_and_slope(alpha.sum()).value + alpha.dot(log_shares);
  for (Index j = 0; j < alpha.size(); ++j) value -= documents * log_gamma_and_slope(alpha[j]).value;
  return value;
}

// One number for all: the root of a falling function, by Newton steps in log alpha inside a bracket.
double symmetric_alpha(double alpha, double k, double mean_log_share, double start_low, double start_high) {
  const auto slope = [&](double a) {
    return k * (log_gamma_and_slope(k * a).slope - log_gamma_and_slope(a).slope) + mean_log_share;
  };
  double low = std::log(start_low);
  double high = std::log(start_high);
  if (slope(start_low) <= 0.0) return start_low;
  if (slope(start_high) >= 0.0) return start_high;
  double u = std::clamp(std::log(alpha), low, high);
  for (int i = 0; i < 100; ++i) {
    const double a = std::exp(u);
    const double f = slope(a);
    if (f == 0.0) break;
    (f > 0.0 ? low : high) = u;
    const double change = f / (a * k * (k * trigamma(k * a) - trigamma(a)));
    double to = u - change;
    if (!(to > low && to < high)) to = 0.5 * (low + high);
    const double moved = std::abs(to - u);
    u = to;
    if (moved < 1e-13) break;
  }
  return std::exp(u);
}

// Newton steps; the second derivatives are a diagonal and one number everywhere. Halved until all are
// positive and the objective does not fall.
void free_alpha(Vector& alpha, const Vector& log_shares, double documents) {
  const Index k = alpha.size();
  double here = objective(alpha, log_shares, documents);
  for (int i = 0; i < 100; ++i) {
    const double sum = alpha.sum();
    const double all = log_gamma_and_slope(sum).slope;
    const double z = documents * trigamma(sum);
    Vector gradient(k);
    Vector diagonal(k);
    for (Index j = 0; j < k; ++j) {
      gradient[j] = documents * (all - log_gamma_and_slope(alpha[j]).slope) + log_shares[j];
      diagonal[j] = -documents * trigamma(alpha[j]);
    }
    const double common =
        (gradient.array() / diagonal.array()).sum() / (1.0 / z + diagonal.cwiseInverse().sum());
    const Vector step = ((gradient.array() - common) / diagonal.array()).matrix();
    Vector to;
    double there = here;
    double size = 1.0;
    bool raised = false;
    for (int half = 0; half < 60 && !raised; ++half, size *= 0.5) {
      to = alpha - size * step;
      if (!(to.minCoeff() > 0.0)) continue;
      to = to.cwiseMax(least_alpha).cwiseMin(most_alpha);
      there = objective(to, log_shares, documents);
      // What the last steps gain is lost in the rounding of the objective.
      raised = there >= here || ((to - alpha).array() / alpha.array()).abs().maxCoeff() < 1e-4;
    }
    if (!raised) return;
    const double moved = ((to - alpha).array() / alpha.array()).abs().maxCoeff();
    alpha = to;
    here = there;
    if (moved < 1e-12) return;
  }
}

}  // namespace

void maximise_alpha(Vector& alpha, AlphaKind kind, Vector log_shares, double documents) {
  if (alpha.size() < 2 || !(documents > 0.0)) return;  // one topic: the bound does not know alpha
  if (kind == AlphaKind::free) {
    free_alpha(alpha, log_shares, documents);
  } else {
    alpha.setConstant(symmetric_alpha(alpha[0], static_cast<double>(alpha.size()),
                                      log_shares.sum() / documents, least_alpha, most_alpha));
  }
}

}  // namespace em
