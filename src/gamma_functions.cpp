#include "gamma_functions.h"

#include <cmath>

#include "numerics.h"

namespace em {

namespace {

// From here on the asymptotic series are exact; recurrences lead up to it.
constexpr double far = 12.0;

// What Stirling's formula for log Gamma(a) lacks, and what log a - 1 / (2 a) has more than digamma(a).
double gamma_error_far(double a) {
  const double r = 1.0 / a;
  const double q = r * r;
  return r * (1.0 / 12 -
              q * (1.0 / 360 -
                   q * (1.0 / 1260 -
                        q * (1.0 / 1680 - q * (1.0 / 1188 - q * (691.0 / 360360 - q * (1.0 / 156)))))));
}

double digamma_error_far(double a) {
  const double r = 1.0 / a;
  const double q = r * r;
  return q *
         (1.0 / 12 -
          q * (1.0 / 120 -
               q * (1.0 / 252 - q * (1.0 / 240 - q * (1.0 / 132 - q * (691.0 / 32760 - q * (1.0 / 12)))))));
}

// log Gamma(2 + t) for |t| <= 1/2 is t (1 - gamma + t P(t)) with Euler's gamma, where the term of t^(k - 2)
// in P is (-1)^k (zeta(k) - 1) / k. The even ones from t^0 on and the odd ones from t^1 on:
constexpr double even_terms[] = {
    0.32246703342411321824,    0.020580808427784547879,    0.0028905103307415232858,
    0.00050966952474304242234, 0.000099457512781808533715, 0.000020507212775670691553,
    4.3748667899074878042e-6,  9.5514121304074198329e-7,   2.1207184805554665869e-7,
    4.7698101693639805658e-8,  1.0838659214896954091e-8,   2.4836745438024783172e-9,
    5.7313672416788620133e-10};
constexpr double odd_terms[] = {
    -0.067352301053198095133,   -0.0073855510286739852663, -0.0011927539117032609771,
    -0.00022315475845357937976, -0.0000449262367381331417, -9.439488275268395904e-6,
    -2.0392157538013662368e-6,  -4.4924691987645660433e-7, -1.0043224823968099609e-7,
    -2.271109460894316491e-8,   -5.1834750419700466551e-9, -1.1921401405860912074e-9,
    -2.7595228851242331452e-10};
constexpr int n_terms = 13;
constexpr double one_less_euler = 0.4227843350984671393934879;

LogGamma about_two(double t) {
  const double s = t * t;
  double even = even_terms[n_terms - 1], even_slope = 0.0;
  double odd = odd_terms[n_terms - 1], odd_slope = 0.0;
  for (int j = n_terms - 2; j >= 0; --j) {
    even_slope = even_slope * s + even;
    odd_slope = odd_slope * s + odd;
    even = even * s + even_terms[j];
    odd = odd * s + odd_terms[j];
  }
  const double p = even + t * odd;
  const double slope = 2.0 * t * even_slope + odd + 2.0 * s * odd_slope;
  return {t * (one_less_euler + t * p), one_less_euler + t * (2.0 * p + t * slope)};
}

}  // namespace

LogGamma log_gamma_and_slope(double a) {
  if (!(a > 0.0)) return {std::nan(""), std::nan("")};
  if (a >= far) {
    const double log_a = std::log(a);
    const double value = std::isfinite(a) ? (a - 0.5) * log_a - a + 0.5 * log_two_pi + gamma_error_far(a) : a;
    return {value, log_a - 0.5 / a - digamma_error_far(a)};
  }
  if (a < 0.5) {
    const LogGamma up = about_two(a);
    return {up.value - std::log1p(a) - std::log(a), up.slope - 1.0 / (1.0 + a) - 1.0 / a};
  }
  if (a < 1.5) {
    const LogGamma up = about_two(a - 1.0);
    return {up.value - std::log1p(a - 1.0), up.slope - 1.0 / a};
  }
  double product = 1.0;  // (a - 1) (a - 2) ..., and its slope
  double slope = 0.0;
  while (a > 2.5) {
    a -= 1.0;
    slope = slope * a + product;
    product *= a;
  }
  const LogGamma down = about_two(a - 2.0);
  return {product > 1.0 ? down.value + std::log(product) : down.value, down.slope + slope / product};
}

double log_gamma(double a) { return log_gamma_and_slope(a).value; }

double trigamma(double a) {
  if (!(a > 0.0)) return std::nan("");
  double squares = 0.0;
  for (; a < far; a += 1.0) squares += 1.0 / (a * a);
  return squares + (1.0 + trigamma_excess(a)) / a;
}

double gamma_error(double a) {
  double out = 0.0;
  for (; a < far; a += 1.0) out += (a + 0.5) * std::log1p(1.0 / a) - 1.0;
  return out + gamma_error_far(a);
}

double log_less_digamma(double a) {
  double out = 0.0;
  for (; a < far; a += 1.0) out += 1.0 / a - std::log1p(1.0 / a);
  return out + 0.5 / a + digamma_error_far(a);
}

double trigamma_excess(double a) {
  if (a < far) return 1.0 / a + (a * trigamma_excess(a + 1.0) - 1.0) / (a + 1.0);
  const double r = 1.0 / a;
  const double q = r * r;
  return r *
         (0.5 + r * (1.0 / 6 -
                     q * (1.0 / 30 -
                          q * (1.0 / 42 -
                               q * (1.0 / 30 - q * (5.0 / 66 - q * (691.0 / 2730 -
                                                                    q * (7.0 / 6 - q * (3617.0 / 510)))))))));
}

double shape_from(double s) {
  double a = (3.0 - s + std::sqrt((s - 3.0) * (s - 3.0) + 24.0 * s)) / (12.0 * s);
  if (!(a > 0.0)) a = 1.0 / s;
  for (int iteration = 0; iteration < 20; ++iteration) {
    const double value = log_less_digamma(a);
    const double step = std::log(value / s) * value / trigamma_excess(a);
    a *= std::exp(step);
    if (std::abs(step) < 1e-14) break;
  }
  return a;
}

double less_log1p(double d) {
  if (std::abs(d) > 0.1) return d - std::log1p(d);
  // With v = d / (2 + d): log(1 + d) = 2 (v + v^3 / 3 + v^5 / 5 + ...), and d - 2 v = d v.
  const double v = d / (2.0 + d);
  const double square = v * v;
  double sum = 0.0;
  for (int j = 13; j >= 3; j -= 2) sum = square * (1.0 / j + sum);
  return v * (d - 2.0 * sum);
}

}  // namespace em
