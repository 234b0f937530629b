// student_tails.h: what Student families (family_t.h, family_t_missing.h) have beside normal components: the
// degrees of freedom nu_k, their step, their gradient and their coordinates.
//
// Given what is seen of a row, its precision u is gamma with shape (nu + p) / 2 and mean (nu + p) / (nu +
// delta), p cells seen at the squared distance delta. The next nu solves an equation in
//   sum w r (u - 1 - log u + log h - digamma(h)),  h = (nu + p) / 2,
// the second statistic here, behind the first, sum w r. Both stand behind the statistics of normal components
// of rows weighted by r u.
#pragma once

#include <memory>

#include "chart.h"
#include "covariance.h"
#include "family.h"

namespace em {

// Has every component degrees of freedom of its own, or one number for all?
enum class Freedom { own, shared };

class Tails {
 public:
  Tails(Index d, Index k, Freedom freedom);

  double operator[](Index k) const { return df_[k]; }  // infinity before the first M-step
  Index n_statistics() const { return 2 * df_.size(); }
  Index n_free() const;
  Field field() { return {"df", Scale::positive, {{Axis::component, df_.size()}}, df_.data()}; }

  // Degrees of freedom that are held, NaN where free; of shared ones all or none.
  void hold(ConstVectorRef held);
  void start();

  // For the M-step of normal components: the statistics of as many rows as there are, with the mean of those
  // weighted by u and, about it, their scatter.
  Vector sums_of_rows(ConstVectorRef statistics, Storage storage, Step step) const;
  void maximise(ConstVectorRef statistics);

  // The coordinates of the normal components, then those of log nu. gaussian(sums) makes the former.
  template <class Gaussian>
  std::unique_ptr<Chart> chart(ConstVectorRef statistics, Gaussian gaussian) {
    return join(gaussian(gaussian_sums(statistics)), counts(statistics));
  }

 private:
  friend class TailsChart;

  ConstVectorMap counts(ConstVectorRef statistics) const {
    return {statistics.data() + statistics.size() - n_statistics(), df_.size()};
  }
  ConstVectorMap spreads(ConstVectorRef statistics) const {
    return {statistics.data() + statistics.size() - df_.size(), df_.size()};
  }
  Vector gaussian_sums(ConstVectorRef statistics) const;
  bool is_held(Index k) const { return held_.size() > 0 && held_[k] == held_[k]; }
  std::unique_ptr<Chart> join(std::unique_ptr<Chart> gaussian, ConstVectorRef counts);
  void slope(ConstVectorRef statistics, VectorRef out) const;

  Index d_;
  Freedom freedom_;
  Vector df_;
  Vector held_;
};

// log Gamma(a + y) - log Gamma(a) - y log a, which goes to 0 as a grows.
double rising_factor(double a, double y);

// Up to here log(1 + x / nu) may be a logarithm of 1 + x / nu: what that loses is nothing beside the rest.
constexpr double moderate_df = 1e4;

// A distance squared that says as much as any beyond it, and that 0 can be multiplied with.
constexpr double farthest_square = 1e300;

// What a run of rows of one component says: first log densities of the normal, `top` at its mean -> delta in
// their place, and log(1 + delta / nu); then these and r -> r u, and the two statistics.
struct TailSums {
  double count = 0.0;
  double spread = 0.0;
};
void find_distances(ArrayMap inout, double top, double nu, ArrayMap logs);
TailSums weigh_rows(ConstArrayMap delta, ConstArrayMap logs, ConstArrayMap r, double nu, double p,
                    ArrayMap out);

}  // namespace em
