#include "chart_fields.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dense.h"

namespace em {

namespace {

using Places = std::vector<Index>;

Vector gather(const Vector& all, const Places& at) {
  Vector out(static_cast<Index>(at.size()));
  for (std::size_t i = 0; i < at.size(); ++i) out[static_cast<Index>(i)] = all[at[i]];
  return out;
}

double scale_of(double rows) { return rows > 0.0 ? 1.0 / std::sqrt(rows) : 1.0; }

// One number with a coordinate of its own.
class Single {
 public:
  Single(Scale scale, double* value, Index at, double rows, double information)
      : scale_(scale),
        value_(value),
        at_(at),
        origin_(*value),
        inside_(scale == Scale::real || rows * nearest_boundary() > least_count),
        unit_(inside_ && information > 0.0 ? 1.0 / std::sqrt(information) : 1.0) {}

  void place(double z) const {
    if (!inside_) return;
    if (scale_ == Scale::real) {
      *value_ = origin_ + z * unit_;
    } else if (scale_ == Scale::positive) {
      *value_ = origin_ * std::exp(z * unit_);
    } else {
      const double odds = origin_ / (1.0 - origin_) * std::exp(z * unit_);
      *value_ = odds / (1.0 + odds);
    }
  }

  double slope(const Vector& slope) const { return inside_ ? unit_ * slope[at_] : 0.0; }

 private:
  // As a part of what it is relative to.
  double nearest_boundary() const {
    if (scale_ == Scale::positive) return origin_ > 0.0 ? 1.0 : 0.0;
    return std::min(origin_, 1.0 - origin_);
  }

  Scale scale_;
  double* value_;
  Index at_;  // among the packed parameters
  double origin_;
  bool inside_;
  double unit_;
};

// Numbers that sum to one, or to what those that are held leave. The information of one row about log theta
// is that of A = diag(theta0)^(-1/2) Q, Q the complement of sqrt(theta0).
class Simplex {
 public:
  // first: the place of the first number among the packed parameters, of which `values` has the address; the
  // others are `stride` apart.
  Simplex(double* values, Index first, Index stride, Index size, const Places& free, const Vector& rows)
      : values_(values, size, Eigen::InnerStride<>(stride)),
        slopes_at_(static_cast<std::size_t>(size)),
        scale_(scale_of(sum(gather_strided(rows, first, stride, free)))),
        directions_(Matrix::Zero(size, std::max<Index>(static_cast<Index>(free.size()) - 1, 0))) {
    for (Index j = 0; j < size; ++j) slopes_at_[static_cast<std::size_t>(j)] = first + j * stride;
    for (const Index j : free) {
      if (rows[first + j * stride] > least_count && values_[j] > 0.0) inside_.push_back(j);
    }
    origin_ = gather(values_, inside_);
    if (inside_.empty()) return;
    Vector root(origin_.size()), unit(origin_.size());
    for (Index i = 0; i < root.size(); ++i) root[i] = std::sqrt(origin_[i]);
    divide_to(root, std::sqrt(sum_of_squares(root)), unit);
    const Matrix complement = complement_of(unit);
    for (std::size_t i = 0; i < inside_.size(); ++i) {
      for (Index j = 0; j < complement.cols(); ++j) {
        directions_(inside_[i], j) = complement(Index(i), j) / root[Index(i)];
      }
    }
  }

  Index size() const { return directions_.cols(); }
  double scale() const { return scale_; }

  void place(ConstVectorRef z) {
    if (inside_.empty() || size() == 0) return;
    const Vector exponent = times(directions_, z);
    Vector moved(origin_.size());
    for (std::size_t i = 0; i < inside_.size(); ++i) moved[Index(i)] = exponent[inside_[i]];
    const double largest = moved.maxCoeff();
    for (Index i = 0; i < moved.size(); ++i) moved[i] -= largest;
    moved = exponentials(moved);
    for (Index i = 0; i < moved.size(); ++i) moved[i] *= origin_[i];
    scale_to(moved, sum(origin_) / sum(moved), moved);
    for (std::size_t i = 0; i < inside_.size(); ++i) values_[inside_[i]] = moved[Index(i)];
  }

  void slope(const Vector& slope, VectorRef g) const {
    if (inside_.empty()) {
      std::fill_n(g.data(), g.size(), 0.0);
      return;
    }
    Vector counts = gather(slope, slopes_at_);
    double rows = 0.0;
    for (const Index j : inside_) rows += counts[j];
    const double each = rows / sum(origin_);
    for (Index j = 0; j < counts.size(); ++j) counts[j] -= each * values_[j];
    const Vector own = transposed_times(directions_, counts);
    std::copy_n(own.data(), own.size(), g.data());
  }

 private:
  static Vector gather_strided(const Vector& all, Index first, Index stride, const Places& at) {
    Vector out(static_cast<Index>(at.size()));
    for (std::size_t i = 0; i < at.size(); ++i) out[static_cast<Index>(i)] = all[first + at[i] * stride];
    return out;
  }

  Eigen::Map<Vector, 0, Eigen::InnerStride<>> values_;
  Places slopes_at_;
  double scale_;
  Places inside_;      // those that move
  Vector origin_;      // their values at the origin
  Matrix directions_;  // A, with rows of zeros for those that do not
};

struct Parts {
  std::vector<Single> singles;
  std::vector<Simplex> simplexes;
  Vector scale;  // of the coordinates of the former, then of the latter
};

class FieldChart : public Chart {
 public:
  FieldChart(Parts parts, Index n_parameters, Score score)
      : Chart(parts.scale),
        singles_(std::move(parts.singles)),
        simplexes_(std::move(parts.simplexes)),
        n_parameters_(n_parameters),
        score_(std::move(score)) {}

  void place(ConstVectorRef z) override {
    Index at = 0;
    for (const Single& single : singles_) single.place(z[at++]);
    for (Simplex& simplex : simplexes_) {
      simplex.place(ConstVectorMap(z.data() + at, simplex.size()));
      at += simplex.size();
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    Vector slope(n_parameters_), rows(n_parameters_), information(n_parameters_);
    score_(statistics, slope, rows, information);
    Index at = 0;
    for (const Single& single : singles_) g[at++] = single.slope(slope);
    for (const Simplex& simplex : simplexes_) {
      simplex.slope(slope, VectorMap(g.data() + at, simplex.size()));
      at += simplex.size();
    }
  }

 private:
  std::vector<Single> singles_;
  std::vector<Simplex> simplexes_;
  Index n_parameters_;
  Score score_;
};

// What the scale alone implies.
Vector implied_information(const Fields& fields) {
  Vector out(packed_size(fields));
  Index at = 0;
  for (const Field& field : fields) {
    for (Index i = 0; i < field.size(); ++i) {
      const double value = field.data[i];
      out[at++] = field.scale == Scale::unit ? value * (1.0 - value) : 1.0;
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<Chart> make_field_chart(const Fields& fields, const Vector& held, ConstVectorRef statistics,
                                        Score score) {
  const Index size = packed_size(fields);
  Vector slope(size), rows(size), information = implied_information(fields);
  score(statistics, slope, rows, information);
  const auto is_free = [&](Index at) { return held.size() == 0 || std::isnan(held[at]); };
  Parts parts;
  std::vector<double> scales, of_simplexes;
  Index begin = 0;
  for (const Field& field : fields) {
    if (field.scale == Scale::covariance) throw std::logic_error("covariances need a chart of their own");
    const Index last = field.axes.back().size;
    const Index places = field.scale == Scale::simplex ? field.size() / last : 0;
    for (Index i = 0; i < places; ++i) {
      Places free;
      for (Index j = 0; j < last; ++j) {
        if (is_free(begin + i + j * places)) free.push_back(j);
      }
      parts.simplexes.emplace_back(field.data + i, begin + i, places, last, free, rows);
      const Simplex& simplex = parts.simplexes.back();
      of_simplexes.insert(of_simplexes.end(), static_cast<std::size_t>(simplex.size()), simplex.scale());
    }
    for (Index i = begin; places == 0 && i < begin + field.size(); ++i) {
      if (!is_free(i)) continue;
      parts.singles.emplace_back(field.scale, field.data + (i - begin), i, rows[i], information[i]);
      scales.push_back(scale_of(rows[i]));
    }
    begin += field.size();
  }
  scales.insert(scales.end(), of_simplexes.begin(), of_simplexes.end());
  parts.scale = ConstVectorMap(scales.data(), static_cast<Index>(scales.size()));
  return std::make_unique<FieldChart>(std::move(parts), size, std::move(score));
}

}  // namespace em
