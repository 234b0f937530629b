#include "chart.h"

#include <algorithm>

#include "dense.h"

namespace em {

namespace {

Vector concatenate(const Vector& first, const Vector& second) {
  Vector out(first.size() + second.size());
  std::copy_n(first.data(), first.size(), out.data());
  std::copy_n(second.data(), second.size(), out.data() + first.size());
  return out;
}

VectorMap part(VectorRef all, Index begin, Index size) { return {all.data() + begin, size}; }
ConstVectorMap const_part(ConstVectorRef all, Index begin, Index size) { return {all.data() + begin, size}; }

class JoinedChart : public Chart {
 public:
  JoinedChart(std::unique_ptr<Chart> latent, std::unique_ptr<Chart> family, Index n_family_statistics)
      : Chart(concatenate(latent->scale(), family->scale())),
        latent_(std::move(latent)),
        family_(std::move(family)),
        n_family_statistics_(n_family_statistics) {}

  void place(ConstVectorRef z) override {
    latent_->place(const_part(z, 0, latent_->size()));
    family_->place(const_part(z, latent_->size(), family_->size()));
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const Index rest = statistics.size() - n_family_statistics_;
    latent_->slope(const_part(statistics, n_family_statistics_, rest), part(g, 0, latent_->size()));
    family_->slope(const_part(statistics, 0, n_family_statistics_),
                   part(g, latent_->size(), family_->size()));
  }

 private:
  std::unique_ptr<Chart> latent_;
  std::unique_ptr<Chart> family_;
  Index n_family_statistics_;
};

}  // namespace

void Chart::move_to(ConstVectorRef u) {
  Vector z = u;
  for (Index i = 0; i < z.size(); ++i) z[i] *= scale_[i];
  place(z);
}

void Chart::gradient(ConstVectorRef statistics, VectorRef g) const {
  slope(statistics, g);
  for (Index i = 0; i < g.size(); ++i) g[i] *= scale_[i];
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
  const double scale = 2.0 / sum_of_squares(normal);
  Matrix out(d, d - 1);
  for (Index j = 0; j < d - 1; ++j) {
    for (Index i = 0; i < d; ++i) out(i, j) = (i == j ? 1.0 : 0.0) - normal[i] * normal[j] * scale;
  }
  return out;
}

}  // namespace em
