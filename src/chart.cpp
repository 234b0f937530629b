#include "chart.h"

namespace em {

namespace {

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

}  // namespace

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
