#include "family.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "blocks.h"
#include "chart_fields.h"
#include "numerics.h"

namespace em {

namespace {

// What start_at() gives a component of the mean of all rows, in rows.
constexpr double pooled_part = 0.25;

// distance() looks at about so many rows.
constexpr Index rows_compared = 128;

// A workspace, and a block of responsibilities or log densities, for up to so many rows.
struct Room {
  using RowsMap = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;

  Room(const Family& family, Index rows) : stride(static_cast<Index>(block_stride(size_of(rows)))) {
    work.resize(size_of(family.n_workspace(rows)));
    block.resize(size_of(stride * family.n_components()));
    columns = family.n_components();
  }
  MatrixMap matrix() { return {block.data(), stride, columns}; }
  RowsMap rows(Index size) { return {block.data(), size, columns, Eigen::OuterStride<>(stride)}; }

  Index stride;
  Index columns;
  Buffer work;
  Buffer block;
};

}  // namespace

Index Family::describe() {
  Vector mean = Vector::Zero(data_.d);
  Vector sd = Vector::Zero(data_.d);
  for (Index j = 0; j < data_.d; ++j) {
    const double* column = data_.x + j * data_.n;
    double mass = 0.0;
    // About the first value seen, so that offsets cost no digits.
    double origin = 0.0, sum = 0.0, squares = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      const double weight = data_.weight(i);
      if (std::isnan(column[i]) || !(weight > 0.0)) continue;
      if (mass == 0.0) origin = column[i];
      const double away = column[i] - origin;
      mass += weight;
      sum += weight * away;
      squares += weight * away * away;
    }
    if (!(mass > 0.0)) continue;
    mean[j] = origin + sum / mass;
    sd[j] = std::sqrt(std::max(0.0, squares / mass - sum / mass * (sum / mass)));
  }
  set_columns(mean, sd);
  return -1;
}

void Family::set_columns(const Vector& mean, const Vector& sd) {
  column_mean_ = mean;
  column_sd_ = sd;
  for (Index j = 0; j < sd.size(); ++j) {
    if (!(sd[j] > 0.0)) column_sd_[j] = 1.0;
  }
}

void Family::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < data_.d; ++j) {
    const double* column = data_.x + j * data_.n + rows.begin;
    double* to = out.data() + j * out.outerStride();
    for (Index i = 0; i < rows.size; ++i) {
      to[i] = std::isnan(column[i]) ? 0.0 : (column[i] - column_mean_[j]) / column_sd_[j];
    }
  }
}

Vector Family::relative_spread() const { return Vector::Ones(k_); }

void Family::start_at(const std::vector<Index>& rows) {
  prepare(Accuracy::exact);
  const Index block_size = block_rows();
  Room room(*this, block_size);
  MatrixMap part = room.matrix();
  Vector statistics = Vector::Zero(n_statistics());
  const double share = pooled_part / data_.total_weight();
  for (Index begin = 0; begin < data_.n; begin += block_size) {
    const Rows block{begin, std::min(block_size, data_.n - begin)};
    part.setZero();
    for (Index j = 0; j < k_; ++j) {
      for (Index i = 0; i < block.size; ++i) part(i, j) = share * data_.weight(begin + i);
    }
    pack(block, room.work.data());
    accumulate(block, room.work.data(), room.rows(block.size), statistics);
  }
  for (Index j = 0; j < k_; ++j) {
    const Rows own{rows[size_of(j)], 1};
    part.setZero();
    part(0, j) = 1.0;
    pack(own, room.work.data());
    accumulate(own, room.work.data(), room.rows(1), statistics);
  }
  close_slice(statistics, room.work.data());
  maximise(statistics, Step::start);
}

void Family::score(ConstVectorRef /*statistics*/, VectorRef /*slope*/, VectorRef /*rows*/,
                   VectorRef /*information*/) const {
  throw std::logic_error("this family has no score");
}

std::unique_ptr<Chart> Family::chart(ConstVectorRef statistics) {
  return make_field_chart(parameters(), held_, statistics,
                          [this](ConstVectorRef sums, VectorRef slope, VectorRef rows,
                                 VectorRef information) { score(sums, slope, rows, information); });
}

void Family::hold(ConstVectorRef held) {
  held_ = held;
  restore_held();
}

void Family::restore_held() {
  Index at = 0;
  for (const Field& field : parameters()) {
    for (Index i = 0; held_.size() > 0 && i < field.size(); ++i, ++at) {
      if (!std::isnan(held_[at])) field.data[i] = held_[at];
    }
  }
}

double Family::distance(Index a, Index b, double /*enough*/) const {
  Room room(*this, 1);
  MatrixMap density = room.matrix();
  const Index step = std::max<Index>(1, data_.n / rows_compared);
  double mass = 0.0;
  double common = 0.0;
  for (Index row = 0; row < data_.n; row += step) {
    pack({row, 1}, room.work.data());
    log_density({row, 1}, room.work.data(), room.rows(1));
    double largest = density(0, 0);
    for (Index j = 1; j < k_; ++j) largest = std::max(largest, density(0, j));
    if (!(std::isfinite(largest) && data_.weight(row) > 0.0)) continue;
    double all = 0.0;
    for (Index j = 0; j < k_; ++j) all += std::exp(density(0, j) - largest);
    const double either = std::exp(density(0, a) - largest) + std::exp(density(0, b) - largest);
    if (!(either > 0.0)) continue;
    // sqrt(f_a f_b) as a part of (f_a + f_b) / 2
    mass += data_.weight(row) * either / all;
    common += data_.weight(row) * either / all / std::cosh(0.5 * (density(0, a) - density(0, b)));
  }
  return common > 0.0 ? -std::log(common / mass) : infinity;
}

}  // namespace em
