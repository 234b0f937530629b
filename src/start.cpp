#include "start.h"

#include <algorithm>
#include <limits>

namespace em {

namespace {

constexpr Index block_rows = 256;
constexpr int lloyd_steps = 10;

Vector row_weights(const Data& data) {
  return data.weights ? Vector(ConstVectorMap(data.weights, data.n)) : Vector::Ones(data.n);
}

// The features of all rows, block by block; those of small data are made once and kept.
class Features {
 public:
  explicit Features(const Family& family) : family_(family), n_(family.data().n) {
    small_ = n_ * family.n_features() <= most_kept;
    kept_.resize(small_ ? n_ : std::min(block_rows, n_), family.n_features());
    if (small_) {
      for (Index begin = 0; begin < n_; begin += block_rows) fill(block_at(begin), begin);
    }
  }

  // Calls visit(rows, features of those rows) for each block of the data.
  template <class Visit>
  void for_each_block(Visit visit) {
    for (Index begin = 0; begin < n_; begin += block_rows) {
      const Rows rows = block_at(begin);
      if (!small_) fill(rows, 0);
      visit(rows, kept_.middleRows(small_ ? begin : 0, rows.size));
    }
  }

 private:
  static constexpr Index most_kept = 1 << 19;

  Rows block_at(Index begin) const { return {begin, std::min(block_rows, n_ - begin)}; }
  void fill(Rows rows, Index to) { family_.features(rows, kept_.middleRows(to, rows.size)); }

  const Family& family_;
  Index n_;
  bool small_ = false;
  Matrix kept_;
};

Vector features_of(const Family& family, Index row) {
  Matrix out(1, family.n_features());
  family.features({row, 1}, out);
  return ConstVectorMap(out.data(), out.cols());
}

// Squared distances to a centre, column by column as the features lie.
void squared_distances(ConstMatrixRef features, ConstVectorRef centre, VectorRef out) {
  out.setZero();
  for (Index c = 0; c < features.cols(); ++c) out.array() += (features.col(c).array() - centre[c]).square();
}

// Centres in columns: each drawn in proportion to its squared distance to those before.
Matrix seed_centres(const Family& family, Features& blocks, const Vector& weights, Index k, Random& random) {
  Matrix centres(family.n_features(), k);
  Vector distance = Vector::Constant(family.data().n, std::numeric_limits<double>::infinity());
  Vector near(block_rows);
  centres.col(0) = features_of(family, random.proportional_to(weights));
  for (Index j = 1; j < k; ++j) {
    blocks.for_each_block([&](Rows rows, ConstMatrixRef features) {
      squared_distances(features, centres.col(j - 1), VectorMap(near.data(), rows.size));
      double* const shortest = distance.data() + rows.begin;
      for (Index i = 0; i < rows.size; ++i) shortest[i] = std::min(shortest[i], near[i]);
    });
    Vector mass = weights;
    for (Index i = 0; i < mass.size(); ++i) mass[i] *= distance[i];
    centres.col(j) = features_of(family, random.proportional_to(mass.sum() > 0.0 ? mass : weights));
  }
  return centres;
}

// One of Lloyd's steps: labels every row by its nearest centre, moves the centres. True where a label
// changed.
bool lloyd(Features& blocks, const Vector& weights, Matrix& centres, std::vector<int>& labels) {
  const Index k = centres.cols();
  Matrix sums = Matrix::Zero(centres.rows(), k);
  Vector mass = Vector::Zero(k);
  Matrix distance(block_rows, k);
  bool changed = false;
  blocks.for_each_block([&](Rows rows, ConstMatrixRef features) {
    for (Index j = 0; j < k; ++j) {
      squared_distances(features, centres.col(j), VectorMap(distance.data() + j * block_rows, rows.size));
    }
    for (Index i = 0; i < rows.size; ++i) {
      Index nearest = 0;
      for (Index j = 1; j < k; ++j) {
        if (distance(i, j) < distance(i, nearest)) nearest = j;
      }
      int& label = labels[static_cast<std::size_t>(rows.begin + i)];
      changed = changed || label != nearest + 1;
      label = static_cast<int>(nearest + 1);
      for (Index a = 0; a < sums.rows(); ++a) sums(a, nearest) += weights[rows.begin + i] * features(i, a);
      mass[nearest] += weights[rows.begin + i];
    }
  });
  for (Index j = 0; j < k; ++j) {
    for (Index a = 0; mass[j] > 0.0 && a < sums.rows(); ++a) centres(a, j) = sums(a, j) / mass[j];
  }
  return changed;
}

}  // namespace

Index Random::proportional_to(const Vector& mass) {
  const double target = uniform() * mass.sum();
  double sum = 0.0;
  Index last = 0;
  for (Index i = 0; i < mass.size(); ++i) {
    if (!(mass[i] > 0.0)) continue;
    last = i;
    sum += mass[i];
    if (sum > target) return i;
  }
  return last;
}

std::vector<int> kmeans_partition(const Family& family, Index k, Random& random) {
  const Vector weight = row_weights(family.data());
  Features blocks(family);
  Matrix centres = seed_centres(family, blocks, weight, k, random);
  std::vector<int> labels(static_cast<std::size_t>(family.data().n), 0);
  for (int step = 0; step < lloyd_steps; ++step) {
    if (!lloyd(blocks, weight, centres, labels)) break;
  }
  return labels;
}

std::vector<int> random_partition(const Family& family, Index k, Random& random) {
  std::vector<int> labels(static_cast<std::size_t>(family.data().n));
  for (int& label : labels) label = static_cast<int>(random.below(k) + 1);
  return labels;
}

std::vector<Index> random_rows(const Family& family, Index k, Random& random) {
  Vector mass = row_weights(family.data());
  Features blocks(family);
  std::vector<Index> rows;
  for (Index j = 0; j < k; ++j) {
    rows.push_back(random.proportional_to(mass));
    // Rows equal to one already drawn would make coincident components.
    const Vector drawn = features_of(family, rows.back());
    blocks.for_each_block([&](Rows block, ConstMatrixRef features) {
      for (Index i = 0; i < block.size; ++i) {
        bool same = true;
        for (Index a = 0; same && a < drawn.size(); ++a) same = features(i, a) == drawn[a];
        if (same) mass[block.begin + i] = 0.0;
      }
    });
    if (!(mass.sum() > 0.0)) mass = row_weights(family.data());
  }
  return rows;
}

}  // namespace em
