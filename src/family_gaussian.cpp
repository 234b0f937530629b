#include "family_gaussian.h"

#include <algorithm>
#include <cmath>

#include "numerics.h"

namespace em {

namespace {

// The full form gains by expansion up to here.
constexpr Index few_dimensions = 5;

// What a term of a log density may lose by expansion.
constexpr double tolerated_loss = 1e-10;

// Rows of a block where the data are described.
constexpr Index rows_described = 256;

// Numbers of a block and its responsibilities that leave room in 48 KB of cache.
constexpr Index block_room = 5120;

// Features are stored as triangle: (0,0) (1,0) (1,1) (2,0) ...
constexpr Index triangle(Index d) { return d * (d + 1) / 2; }

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
double largest_size(const double* x, Index n) {
  double largest[4] = {0.0, 0.0, 0.0, 0.0};
  Index i = 0;
  for (; i + 4 <= n; i += 4) {
    for (Index lane = 0; lane < 4; ++lane) largest[lane] = std::max(largest[lane], std::abs(x[i + lane]));
  }
  for (; i < n; ++i) largest[0] = std::max(largest[0], std::abs(x[i]));
  return std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3]));
}

}  // namespace

FamilyGaussian::FamilyGaussian(Index n_rows, Index d, const double* data, Index k, Structure structure)
    : FamilyGaussianBase(n_rows, d, data, k, structure),
      pivot_(d, k),
      shift_(d, k),
      factor_(d * d, k),
      inverse_sd_(d, k),
      theta_(std::max({n_features(Form::diagonal), n_features(Form::spherical), n_features(Form::full)}), k),
      constant_(k) {}

Index FamilyGaussian::block_rows() const {
  const Index columns = storage_ == Storage::full ? n_columns(Form::full) : n_columns(Form::spherical);
  return std::clamp<Index>(block_room / (columns + k_) / 64 * 64, 128, 1024);
}

Index FamilyGaussian::n_workspace(Index rows) const {
  const Index stride = static_cast<Index>(block_stride(size_of(rows)));
  const Index scratch = static_cast<Index>(full_scratch(size_of(rows), size_of(d_)));
  return std::max(n_columns(Form::full), n_columns(Form::spherical)) * stride + scratch + theta_.size() + k_;
}

Vector FamilyGaussian::middle_of_some_rows() const {
  const Index step = (n_rows() + 1023) / 1024;
  Vector sum = Vector::Zero(d_);
  Index rows = 0;
  for (Index i = 0; i < n_rows(); i += step, ++rows) sum += x_.row(i).transpose();
  return sum / static_cast<double>(rows);
}

FamilyGaussian::Moments FamilyGaussian::measure(const double* weights, ConstVectorRef about) const {
  const std::size_t stride = block_stride(rows_described);
  const Kernels& kernel = kernels();
  const std::size_t d = size_of(d_);
  Buffer buffer;
  buffer.resize((d + 1) * stride + full_scratch(rows_described, d));
  double* const weight = buffer.data() + d * stride;
  const Vector origin = Vector::Zero(d_);
  Moments out{Vector::Zero(d_), Matrix::Zero(d_, d_), Vector::Zero(d_)};
  Vector squares = Vector::Zero(d_);
  for (Index begin = 0; begin < n_rows(); begin += rows_described) {
    const Index size = std::min(rows_described, n_rows() - begin);
    const Block x{buffer.data(), size_of(size), d, stride};
    kernel.pack(rows_of(x_.data(), n_rows(), d_, begin, size), about.data(), nullptr, x);
    std::fill(weight, weight + stride, 0.0);
    for (Index i = 0; i < size; ++i) weight[i] = weights ? weights[begin + i] : 1.0;
    const ConstBlock all{weight, size_of(size), 1, stride};
    if (storage_ == Storage::diagonal) {
      kernel.diagonal_sums(x, origin.data(), all, out.first.data(), squares.data());
    } else {
      kernel.full_sums(x, origin.data(), all, out.first.data(), out.second.data(), 0, weight + stride);
    }
    for (Index j = 0; j < d_; ++j)
      out.reach[j] = std::max(out.reach[j], largest_size(x.data + size_of(j) * stride, size));
  }
  if (storage_ == Storage::diagonal) out.second.diagonal() = squares;
  return out;
}

// One pass about the mean of some rows and a correction, which costs no digits where that is near the mean of
// all; otherwise a second pass.
Index FamilyGaussian::describe(const double* weights) {
  weight_ = weights ? ConstVectorMap(weights, n_rows()).sum() : static_cast<double>(n_rows());
  Vector centre = middle_of_some_rows();
  Moments found = measure(weights, centre);
  const Vector away = found.first / weight_;
  centre += away;
  const Eigen::ArrayXd share = weight_ * away.array().square() / found.second.diagonal().array();
  if ((share <= 0.1).all()) {
    found.second.triangularView<Eigen::Lower>() -= weight_ * away * away.transpose();
  } else {
    found = measure(weights, centre);
  }
  found.second.triangularView<Eigen::StrictlyUpper>() = found.second.transpose();
  found.second /= weight_;
  reach_ = found.reach + away.cwiseAbs();
  return set_overall(centre, found.second);
}

bool FamilyGaussian::all_spherical() const {
  for (Index j = 0; j < k_; ++j) {
    if ((sigma(j).diagonal().array() != sigma(j)(0, 0)).any()) return false;
  }
  return true;
}

bool FamilyGaussian::all_equal() const {
  for (Index j = 1; j < k_; ++j) {
    if (covariance_.col(j) != covariance_.col(0)) return false;
  }
  return true;
}

// The fastest form at the present parameters, loss of digits left aside. A start may give a structure
// covariances that are not of its kind.
FamilyGaussian::Form FamilyGaussian::best_form() const {
  if (reach_.size() == 0) return Form::exact;
  if (storage_ == Storage::diagonal) {
    if (!diagonal_) return Form::exact;
    const bool spherical = d_ > 1 && structure_.shape == Letter::identity && all_spherical();
    return spherical ? Form::spherical : Form::diagonal;
  }
  if (d_ == 1) return Form::exact;
  if (storage_ == Storage::pooled) return equal_ && complete_ ? Form::tied : Form::exact;
  return d_ <= few_dimensions ? Form::full : Form::exact;
}

Index FamilyGaussian::n_columns(Form form) const {
  if (form == Form::spherical) return d_ + 1;
  return form == Form::full && d_ <= few_dimensions ? d_ + triangle(d_) : d_;
}

Index FamilyGaussian::n_features(Form form) const {
  return form == Form::diagonal ? 2 * d_ : n_columns(form);
}

// False where the component has no density.
bool FamilyGaussian::factorise(Index component) {
  double* factor = factor_.data() + component * d_ * d_;
  const double* floor = pivot_floor_.size() ? pivot_floor_.data() : nullptr;
  if (!mean_.row(component).allFinite() || cholesky_in_place(d_, factor, floor) >= 0) return false;
  double log_determinant = 0.0;
  for (Index i = 0; i < d_; ++i) log_determinant += std::log(factor[i * (d_ + 1)]);
  constant_[component] = -0.5 * static_cast<double>(d_) * log_two_pi - log_determinant;
  invert_lower(d_, factor);
  for (Index i = 0; i < d_; ++i) inverse_sd_(i, component) = factor[i * (d_ + 1)];
  return true;
}

Index FamilyGaussian::prepare(Accuracy accuracy) {
  load_covariance();
  form_ = Form::exact;
  pivot_ = mean_.transpose();
  if (centre_.size()) shift_ = pivot_.colwise() - centre_;
  factor_ = covariance_;
  for (Index j = 0; j < k_; ++j) {
    if (!factorise(j)) return j;
  }
  diagonal_ = storage_ == Storage::diagonal && all_diagonal();
  equal_ = storage_ == Storage::pooled && all_equal();
  if (accuracy == Accuracy::fast) form_ = best_form();
  for (Index j = 0; j < k_ && form_ != Form::exact; ++j) {
    const double far = radius(j);
    if (!(far * far * std::numeric_limits<double>::epsilon() < tolerated_loss)) form_ = Form::exact;
  }
  for (Index j = 0; j < k_ && form_ != Form::exact; ++j) expand(j);
  return -1;
}

// No row is farther from the centre than this, in standard deviations of the component.
double FamilyGaussian::radius(Index component) const {
  const double* factor = factor_.data() + component * d_ * d_;
  double square = 0.0;
  for (Index i = 0; i < d_; ++i) {
    double sum = 0.0;
    for (Index j = 0; j <= i; ++j) sum += std::abs(factor[j * d_ + i]) * reach_[j];
    square += sum * sum;
  }
  return std::sqrt(square);
}

// l = constant + phi' theta about the centre: see the table in kernels.h.
void FamilyGaussian::expand(Index component) {
  const double* f = factor_.data() + component * d_ * d_;
  double* theta = theta_.data() + component * n_features(form_);
  double norm = 0.0;
  std::fill(theta, theta + d_, 0.0);
  for (Index i = 0; i < d_; ++i) {
    double y = 0.0;
    for (Index j = 0; j <= i; ++j) y += f[j * d_ + i] * (shift_(j, component));
    for (Index j = 0; j <= i; ++j) theta[j] += f[j * d_ + i] * y;
    norm += y * y;
  }
  constant_[component] -= 0.5 * norm;
  double* second = theta + d_;
  if (form_ == Form::spherical) *second = -0.5 * f[0] * f[0];
  for (Index a = 0; a < d_ && form_ == Form::diagonal; ++a) {
    second[a] = -0.5 * inverse_sd_(a, component) * inverse_sd_(a, component);
  }
  if (form_ != Form::full) return;
  for (Index a = 0; a < d_; ++a) {
    for (Index b = 0; b <= a; ++b) {
      double precision = 0.0;
      for (Index i = a; i < d_; ++i) precision += f[a * d_ + i] * f[b * d_ + i];
      *second++ = a == b ? -0.5 * precision : -precision;
    }
  }
}

FamilyGaussian::Packed FamilyGaussian::packed(Rows rows, double* work) const {
  const std::size_t stride = block_stride(size_of(rows.size));
  const Block features{work, size_of(rows.size), size_of(n_columns(form_)), stride};
  double* scratch = work + features.columns * stride;
  return {features, scratch, scratch + full_scratch(features.rows, size_of(d_))};
}

ConstBlock FamilyGaussian::source(Rows rows) const {
  return rows_of(x_.data(), n_rows(), d_, rows.begin, rows.size);
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

// Sums of features about the centre -> sums about the pivots, block by block, so that little is lost.
void FamilyGaussian::add_expanded(const Packed& block, ConstBlock responsibilities,
                                  VectorRef statistics) const {
  const Index p = n_features(form_);
  const bool squares = form_ == Form::diagonal;
  const auto sums_of = squares ? kernels().square_sums : kernels().linear_sums;
  double* counts = block.sums + p * k_;
  std::fill(block.sums, counts + k_, 0.0);
  kernels().column_sums(responsibilities, counts);
  sums_of(block.features, responsibilities, block.sums, size_of(p));
  for (Index component = 0; component < k_; ++component) {
    statistics[component] += counts[component];
    translate(component, counts[component], block.sums + component * p, statistics);
  }
}

// With m = shift: S1 = sum - n m, and S2 = sum of products - m sum' - sum m' + n m m'.
void FamilyGaussian::translate(Index component, double count, const double* sums,
                               VectorRef statistics) const {
  const double* m = shift_.data() + component * d_;
  double* first = statistics.data() + k_ + component * d_;
  double* second = statistics.data() + k_ * (1 + d_) + component * (form_ == Form::full ? d_ * d_ : d_);
  const double* squares = sums + d_;
  for (Index a = 0; a < d_; ++a) first[a] += sums[a] - count * m[a];
  if (form_ == Form::spherical) {
    double trace = *squares;
    for (Index a = 0; a < d_; ++a) trace -= m[a] * (2.0 * sums[a] - count * m[a]);
    for (Index a = 0; a < d_; ++a) second[a] += trace / static_cast<double>(d_);
  } else if (form_ == Form::diagonal) {
    for (Index a = 0; a < d_; ++a) second[a] += squares[a] - m[a] * (2.0 * sums[a] - count * m[a]);
  } else if (form_ == Form::full) {
    for (Index a = 0; a < d_; ++a) {
      for (Index b = 0; b <= a; ++b) {
        second[b * d_ + a] += *squares++ - m[b] * sums[a] - m[a] * (sums[b] - count * m[b]);
      }
    }
  }
}

void FamilyGaussian::close_slice(VectorRef statistics) const {
  if (storage_ == Storage::diagonal) return;
  for (Index at = k_ * (1 + d_); at < statistics.size(); at += d_ * d_) {
    MatrixMap second(statistics.data() + at, d_, d_);
    second.triangularView<Eigen::StrictlyUpper>() = second.transpose();
  }
}

// Where rows are complete, the scatter about the means is that about the centre less what the means explain.
double FamilyGaussian::close_pass(VectorRef statistics) const {
  if (form_ != Form::tied) return 0.0;
  const ConstMatrixMap first(statistics.data() + k_, d_, k_);
  MatrixMap second(statistics.data() + k_ * (1 + d_), d_, d_);
  for (Index b = 0; b < d_; ++b) {
    for (Index a = b; a < d_; ++a) {
      double sum = weight_ * total_(a, b);
      for (Index j = 0; j < k_; ++j) {
        sum -= first(a, j) * shift_(b, j) + shift_(a, j) * (first(b, j) + statistics[j] * shift_(b, j));
      }
      second(a, b) = second(b, a) = sum;
    }
  }
  // The sum over all rows of -|F x|^2 / 2, which the blocks left out.
  double sum = 0.0;
  for (Index a = 0; a < d_; ++a) {
    for (Index b = 0; b < d_; ++b) {
      double precision = 0.0;
      for (Index i = std::max(a, b); i < d_; ++i)
        precision += factor_(a * d_ + i, 0) * factor_(b * d_ + i, 0);
      sum += precision * total_(a, b);
    }
  }
  return -0.5 * weight_ * sum;
}

void FamilyGaussian::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < d_; ++j) {
    const double sd = std::sqrt(total_(j, j));
    out.col(j) = (x_.col(j).segment(rows.begin, rows.size).array() - centre_[j]) / (sd > 0.0 ? sd : 1.0);
  }
}

std::unique_ptr<Family> FamilyGaussian::clone() const { return std::make_unique<FamilyGaussian>(*this); }

}  // namespace em
