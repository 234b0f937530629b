#include "chart.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace em {

namespace {

Vector gather(const double* all, const std::vector<Index>& at) {
  Vector out(static_cast<Index>(at.size()));
  for (std::size_t i = 0; i < at.size(); ++i) out[static_cast<Index>(i)] = all[at[i]];
  return out;
}

Vector concatenate(const Vector& first, const Vector& second) {
  Vector out(first.size() + second.size());
  out << first, second;
  return out;
}

class JoinedChart : public Chart {
 public:
  JoinedChart(std::unique_ptr<Chart> latent, std::unique_ptr<Chart> family, Index n_family_statistics)
      : Chart(concatenate(latent->scale(), family->scale())),
        latent_(std::move(latent)),
        family_(std::move(family)),
        n_family_statistics_(n_family_statistics) {}

  void place(ConstVectorRef z) override {
    latent_->place(z.head(latent_->size()));
    family_->place(z.tail(family_->size()));
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    latent_->slope(statistics.tail(statistics.size() - n_family_statistics_), g.head(latent_->size()));
    family_->slope(statistics.head(n_family_statistics_), g.tail(family_->size()));
  }

 private:
  std::unique_ptr<Chart> latent_;
  std::unique_ptr<Chart> family_;
  Index n_family_statistics_;
};

class EmptyChart : public Chart {
 public:
  EmptyChart() : Chart(Vector()) {}
  void place(ConstVectorRef /*z*/) override {}
  void slope(ConstVectorRef /*statistics*/, VectorRef /*g*/) const override {}
};

// log pi = log pi0 + A z, less what keeps the sum of those that move. The information of one row about log pi
// is that of A = diag(pi0)^(-1/2) Q, Q the complement of sqrt(pi0).
class SimplexChart : public Chart {
 public:
  SimplexChart(double* proportions, const double* counts, Index k, const std::vector<Index>& free)
      : Chart(Vector::Constant(Index(free.size()) - 1, 1.0 / std::sqrt(rows_of(gather(counts, free).sum())))),
        proportions_(proportions, k),
        directions_(Matrix::Zero(k, Index(free.size()) - 1)) {
    for (const Index j : free) {
      if (counts[j] > least_count && proportions[j] > 0.0) inside_.push_back(j);
    }
    origin_ = gather(proportions, inside_);
    if (inside_.empty()) return;
    const Vector root = origin_.cwiseSqrt();
    const Matrix complement = complement_of(root / root.norm());
    for (std::size_t i = 0; i < inside_.size(); ++i) {
      directions_.row(inside_[i]).head(complement.cols()) = complement.row(Index(i)) / root[Index(i)];
    }
  }

  void place(ConstVectorRef z) override {
    if (inside_.empty()) return;
    const Vector exponent = directions_ * z;
    Vector moved(origin_.size());
    for (std::size_t i = 0; i < inside_.size(); ++i) moved[Index(i)] = exponent[inside_[i]];
    moved = origin_.array() * (moved.array() - moved.maxCoeff()).exp();
    moved *= origin_.sum() / moved.sum();
    for (std::size_t i = 0; i < inside_.size(); ++i) proportions_[inside_[i]] = moved[Index(i)];
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    double rows = 0.0;
    for (const Index j : inside_) rows += statistics[j];
    g = directions_.transpose() *
        (statistics.head(proportions_.size()) - (rows / origin_.sum()) * proportions_);
  }

 private:
  static double rows_of(double count) { return count > 0.0 ? count : 1.0; }

  VectorMap proportions_;
  std::vector<Index> inside_;  // those that move
  Vector origin_;              // their proportions at the origin
  Matrix directions_;          // A, with rows of zeros for those that do not
};

class LogitChart : public Chart {
 public:
  LogitChart(double* prob, ConstVectorRef statistics, const std::vector<Index>& free)
      : Chart(scale_of(trials_of(statistics, free))),
        prob_(prob),
        free_(free),
        origin_(gather(prob, free)),
        inside_(
            (trials_of(statistics, free).array() * origin_.array().min(1.0 - origin_.array()) > least_count)
                .cast<double>()),
        unit_((origin_.array() * (1.0 - origin_.array())).max(1.0 - inside_).rsqrt()) {}

  void place(ConstVectorRef z) override {
    for (Index j = 0; j < origin_.size(); ++j) {
      if (inside_[j] == 0.0) continue;
      const double odds = origin_[j] / (1.0 - origin_[j]) * std::exp(z[j] * unit_[j]);
      prob_[free_[static_cast<std::size_t>(j)]] = odds / (1.0 + odds);
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const Vector expected = trials_of(statistics, free_).cwiseProduct(gather(prob_, free_));
    g = inside_ * unit_ * (gather(statistics.data(), free_) - expected).array();
  }

 private:
  static Vector trials_of(ConstVectorRef statistics, const std::vector<Index>& free) {
    return gather(statistics.data() + statistics.size() / 2, free);
  }
  static Vector scale_of(const Vector& trials) {
    return (trials.array() > 0.0).select(trials.array(), 1.0).rsqrt();
  }

  double* prob_;
  std::vector<Index> free_;
  Vector origin_;
  Array inside_;  // 1 where the probability can move, else 0
  Array unit_;
};

}  // namespace

std::unique_ptr<Chart> make_empty_chart() { return std::make_unique<EmptyChart>(); }

std::unique_ptr<Chart> make_simplex_chart(double* proportions, const double* counts, Index k,
                                          const std::vector<Index>& free) {
  return std::make_unique<SimplexChart>(proportions, counts, k, free);
}

std::unique_ptr<Chart> make_logit_chart(double* prob, ConstVectorRef statistics,
                                        const std::vector<Index>& free) {
  return std::make_unique<LogitChart>(prob, statistics, free);
}

std::unique_ptr<Chart> join_charts(std::unique_ptr<Chart> latent, std::unique_ptr<Chart> family,
                                   Index n_family_statistics) {
  return std::make_unique<JoinedChart>(std::move(latent), std::move(family), n_family_statistics);
}

// The reflection that takes `unit` to the last axis takes the other axes to its complement.
Matrix complement_of(ConstVectorRef unit) {
  const Index d = unit.size();
  Vector normal = unit;
  normal[d - 1] += unit[d - 1] < 0.0 ? -1.0 : 1.0;
  Matrix reflection = Matrix::Identity(d, d) - normal * normal.transpose() * (2.0 / normal.squaredNorm());
  return reflection.leftCols(d - 1);
}

}  // namespace em
