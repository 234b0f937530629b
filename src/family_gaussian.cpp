#include "family_gaussian.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

// Rows of a block where the data are described.
constexpr Index rows_described = 256;

// The inverse of a lower triangle, in place; what is above the diagonal is left alone.
void invert_lower(Index d, double* a) {
  for (Index j = 0; j < d; ++j) {
    double* column = a + j * d;
    column[j] = 1.0 / column[j];
    for (Index i = j + 1; i < d; ++i) {
      double sum = 0.0;
      for (Index m = j; m < i; ++m) sum += a[m * d + i] * column[m];
      column[i] = -sum / a[i * d + i];
    }
  }
}

// The largest absolute value.
double largest_of(const double* x, Index n) {
  double largest[4] = {0.0, 0.0, 0.0, 0.0};
  Index i = 0;
  for (; i + 4 <= n; i += 4) {
    for (Index lane = 0; lane < 4; ++lane) largest[lane] = std::max(largest[lane], std::abs(x[i + lane]));
  }
  for (; i < n; ++i) largest[0] = std::max(largest[0], std::abs(x[i]));
  return std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3]));
}

}  // namespace

FamilyGaussian::FamilyGaussian(Index d, Index k, Structure structure)
    : FamilyGaussianBase(d, k, structure),
      pivot_(d, k),
      shift_(d, k),
      factor_(d * d, k),
      inverse_sd_(d, k),
      theta_(most_features(), k),
      at_mean_(k),
      constant_(k) {}

Index FamilyGaussian::n_workspace(Index rows) const {
  const Index stride = static_cast<Index>(block_stride(size_of(rows)));
  const Index scratch = static_cast<Index>(full_scratch(size_of(rows), size_of(d_)));
  return std::max(n_columns(Form::full), n_columns(Form::spherical)) * stride + scratch + theta_.size();
}

// About nothing: the sum of at most 1024 rows, and how many they are. Otherwise sums about there, see
// Moments: first, second, squares of the columns, reach.
void FamilyGaussian::add_description(Index first, Index n, ConstVectorRef about, VectorRef state) const {
  const bool some = about.size() == 0;
  if (state.size() != (some ? d_ + 1 : d_ * (d_ + 3)) || !(some || about.size() == d_) || n < 1) {
    throw std::invalid_argument("a description is of rows, and has the size of its family");
  }
  if (some) {
    add_some_rows(first, n, state);
  } else {
    add_moments(about, state);
  }
}

void FamilyGaussian::add_some_rows(Index first, Index n, VectorRef state) const {
  const Index step = (n + 1023) / 1024;
  for (Index i = (step - first % step) % step; i < data_.n; i += step) {
    for (Index a = 0; a < d_; ++a) state[a] += x()(i, a);
    state[d_] += 1.0;
  }
}

FamilyGaussian::Moments FamilyGaussian::measure(ConstVectorRef about, const Gather& gather) const {
  Vector state = Vector::Zero(d_ * (d_ + 3));
  gather(about, state);
  Moments out{ConstVectorMap(state.data(), d_), ConstMatrixMap(state.data() + d_, d_, d_),
              ConstVectorMap(state.data() + state.size() - d_, d_)};
  for (Index a = 0; a < d_ && storage_ == Storage::diagonal; ++a) out.second(a, a) = state[d_ + d_ * d_ + a];
  return out;
}

// Those of the rows that are bound.
void FamilyGaussian::add_moments(ConstVectorRef about, VectorRef state) const {
  const std::size_t stride = block_stride(rows_described);
  const Kernels& kernel = kernels();
  const std::size_t d = size_of(d_);
  double* const sums = state.data();
  double* const second = sums + d;
  double* const squares = second + d * d;
  Buffer buffer;
  buffer.resize((d + 1) * stride + full_scratch(rows_described, d));
  double* const weight = buffer.data() + d * stride;
  const Vector origin = Vector::Zero(d_);
  for (Index begin = 0; begin < data_.n; begin += rows_described) {
    const Index size = std::min(rows_described, data_.n - begin);
    const Block x{buffer.data(), size_of(size), d, stride};
    kernel.pack(rows_of(data_.x, data_.n, d_, begin, size), about.data(), nullptr, x);
    std::fill(weight, weight + stride, 0.0);
    for (Index i = 0; i < size; ++i) weight[i] = data_.weight(begin + i);
    const ConstBlock all{weight, size_of(size), 1, stride};
    if (storage_ == Storage::diagonal) {
      kernel.diagonal_sums(x, origin.data(), all, sums, squares);
    } else {
      kernel.full_sums(x, origin.data(), all, sums, second, 0, weight + stride);
    }
    double* const reach = state.data() + state.size() - d_;
    for (Index j = 0; j < d_; ++j)
      reach[j] = std::max(reach[j], largest_of(x.data + size_of(j) * stride, size));
  }
}

Index FamilyGaussian::describe() {
  const Index n = data_.n;
  return describe_parts(n, data_.total_weight(), [this, n](ConstVectorRef about, VectorRef state) {
    add_description(0, n, about, state);
  });
}

// One pass about the mean of some rows and a correction, which costs no digits where that is near the mean of
// all; otherwise a second pass.
Index FamilyGaussian::describe_parts(Index /*n*/, double weight, const Gather& gather) {
  weight_ = weight;
  Vector some = Vector::Zero(d_ + 1);
  gather(Vector(), some);
  Vector centre(d_);
  divide_to(ConstVectorMap(some.data(), d_), some[d_], centre);
  Moments found = measure(centre, gather);
  Vector away(d_);
  divide_to(found.first, weight_, away);
  bool near = true;
  for (Index a = 0; a < d_; ++a) {
    centre[a] += away[a];
    near = near && weight_ * (away[a] * away[a]) / found.second(a, a) <= 0.1;
  }
  if (near) {
    add_outer_product(-weight_, away, away, found.second);
  } else {
    found = measure(centre, gather);
  }
  mirror_lower(found.second);
  divide_to(found.second, weight_, found.second);
  reach_ = found.reach;
  for (Index a = 0; a < d_; ++a) reach_[a] += std::abs(away[a]);
  return set_overall(centre, found.second);
}

// Weight, centre, reach, covariance of all rows.
Vector FamilyGaussian::description() const {
  Vector out(1 + d_ * (d_ + 2));
  out[0] = weight_;
  double* to = std::copy_n(centre_.data(), d_, out.data() + 1);
  to = std::copy_n(reach_.data(), d_, to);
  std::copy_n(total_.data(), d_ * d_, to);
  return out;
}

Index FamilyGaussian::take_description(ConstVectorRef description) {
  if (description.size() != 1 + 2 * d_ + d_ * d_) {
    throw std::invalid_argument("a description has the size of its family");
  }
  weight_ = description[0];
  reach_ = ConstVectorMap(description.data() + 1 + d_, d_);
  const Vector centre = ConstVectorMap(description.data() + 1, d_);
  const Matrix total = ConstMatrixMap(description.data() + 1 + 2 * d_, d_, d_);
  return set_overall(centre, total);
}

// False where the component has no density.
bool FamilyGaussian::factorise(Index component) {
  double* factor = factor_.data() + component * d_ * d_;
  for (Index a = 0; a < d_; ++a) {
    if (!std::isfinite(mean_(component, a))) return false;
  }
  if (cholesky_in_place(d_, factor, floor_of(component)) >= 0) return false;
  double log_determinant = 0.0;
  for (Index i = 0; i < d_; ++i) log_determinant += std::log(factor[i * (d_ + 1)]);
  at_mean_[component] = -0.5 * static_cast<double>(d_) * log_two_pi - log_determinant;
  constant_[component] = at_mean_[component];
  invert_lower(d_, factor);
  for (Index i = 0; i < d_; ++i) inverse_sd_(i, component) = factor[i * (d_ + 1)];
  return true;
}

Index FamilyGaussian::prepare(Accuracy accuracy) {
  load_covariance();
  form_ = Form::exact;
  for (Index j = 0; j < k_; ++j) {
    for (Index a = 0; a < d_; ++a) {
      pivot_(a, j) = mean_(j, a);
      if (centre_.size()) shift_(a, j) = pivot_(a, j) - centre_[a];
    }
  }
  factor_ = covariance_;
  for (Index j = 0; j < k_; ++j) {
    if (!factorise(j)) return j;
  }
  diagonal_ = storage_ == Storage::diagonal && all_diagonal();
  equal_ = storage_ == Storage::pooled && all_equal();
  if (accuracy == Accuracy::fast) form_ = safe_form();
  for (Index j = 0; j < k_ && form_ != Form::exact; ++j) expand(j);
  return -1;
}

FamilyGaussian::Packed FamilyGaussian::packed(Rows rows, double* work) const {
  const std::size_t stride = block_stride(size_of(rows.size));
  const Block features{work, size_of(rows.size), size_of(n_columns(form_)), stride};
  double* scratch = work + features.columns * stride;
  return {features, scratch, scratch + full_scratch(features.rows, size_of(d_))};
}

ConstBlock FamilyGaussian::source(Rows rows) const {
  return rows_of(data_.x, data_.n, d_, rows.begin, rows.size);
}

void FamilyGaussian::pack(Rows rows, double* work) const {
  const Packed block = packed(rows, work);
  const Kernels& kernel = kernels();
  const Block x = block.x(d_);
  kernel.pack(source(rows), form_ == Form::exact ? nullptr : centre_.data(), nullptr, x);
  const Block rest = columns_of(block.features, x.columns, block.features.columns - x.columns);
  if (form_ == Form::spherical) kernel.pack_norm(x, rest);
  if (form_ == Form::full) kernel.pack_products(x, rest);
}

void FamilyGaussian::log_density(Rows rows, double* work, MatrixRef out) const {
  const Packed block = packed(rows, work);
  const Kernels& kernel = kernels();
  if (form_ == Form::diagonal) {
    kernel.square_density(block.features, constant_.data(), theta_.data(), block_of(out));
  } else if (form_ == Form::offset) {
    kernel.offset_density(block.features, theta_.data(), factor_.data(), constant_.data(), block_of(out));
  } else if (form_ != Form::exact) {
    kernel.linear_density(block.features, constant_.data(), theta_.data(), block_of(out));
  } else if (diagonal_) {
    kernel.diagonal_density(block.features, pivot_.data(), inverse_sd_.data(), constant_.data(),
                            block_of(out));
  } else {
    const std::size_t stride = equal_ ? 0 : size_of(d_ * d_);
    kernel.full_density(block.features, pivot_.data(), factor_.data(), stride, constant_.data(),
                        block.scratch, block_of(out));
  }
}

void FamilyGaussian::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                VectorRef statistics) const {
  const Packed block = packed(rows, work);
  const Kernels& kernel = kernels();
  const ConstBlock r = block_of(responsibilities);
  if (form_ != Form::exact) return add_expanded(block, r, statistics);
  kernel.column_sums(r, statistics.data());
  double* first = statistics.data() + k_;
  double* second = first + d_ * k_;
  if (storage_ == Storage::diagonal) {
    kernel.diagonal_sums(block.features, pivot_.data(), r, first, second);
  } else {
    const std::size_t stride = storage_ == Storage::pooled ? 0 : size_of(d_ * d_);
    kernel.full_sums(block.features, pivot_.data(), r, first, second, stride, block.scratch);
  }
}

std::unique_ptr<Family> FamilyGaussian::clone() const { return std::make_unique<FamilyGaussian>(*this); }

}  // namespace em
