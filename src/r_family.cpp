#include "r_family.h"

#include <algorithm>
#include <stdexcept>

#include "dense.h"

namespace em {

namespace {

// What a component of a start of our own is lent of the mean of all rows, in rows.
constexpr double pooled_part = 0.25;

Scale scale_named(const std::string& name) {
  if (name == "real") return Scale::real;
  if (name == "positive") return Scale::positive;
  if (name == "unit") return Scale::unit;
  if (name == "simplex") return Scale::simplex;
  throw std::invalid_argument("a field can't have the scale " + name);
}

// Somewhere inside of the scale.
double inside(Scale scale, Index last) {
  if (scale == Scale::real) return 0.0;
  if (scale == Scale::simplex) return 1.0 / static_cast<double>(last);
  return scale == Scale::unit ? 0.5 : 1.0;
}

Rcpp::NumericMatrix matrix_to_r(ConstMatrixRef x) {
  Rcpp::NumericMatrix out(static_cast<int>(x.rows()), static_cast<int>(x.cols()));
  MatrixMap(out.begin(), x.rows(), x.cols()) = x;
  return out;
}

// A matrix that came from R, of so many rows.
ConstMatrixMap matrix_from(SEXP x, Index rows) {
  if (TYPEOF(x) != REALSXP || !Rf_isMatrix(x) || Rf_nrows(x) != rows) {
    throw std::invalid_argument("a family must hand over matrices with a row for each row");
  }
  return {REAL(x), rows, Rf_ncols(x)};
}

Rcpp::Function function_of(const Rcpp::List& family, const char* name) {
  SEXP f = element(family, name);
  if (TYPEOF(f) != CLOSXP) throw std::invalid_argument(std::string("a family needs the function ") + name);
  return Rcpp::Function(f);
}

}  // namespace

RFamily::RFamily(const Rcpp::List& family, Index d, Index k)
    : Family(k),
      additive_(Rcpp::as<bool>(element(family, "additive"))),
      functions_(std::make_shared<Functions>(Functions{
          function_of(family, "bind"), function_of(family, "density"), function_of(family, "maximise")})) {
  const Rcpp::List fields = element(family, "fields");
  if (fields.size() == 0) throw std::invalid_argument("a family needs fields");
  for (R_xlen_t i = 0; i < fields.size(); ++i) {
    const Rcpp::List field = fields[i];
    const int size = Rcpp::as<int>(element(field, "size"));
    Table table{Rcpp::as<std::string>(element(field, "name")),
                scale_named(Rcpp::as<std::string>(element(field, "scale"))),
                {{Axis::component, k}},
                {}};
    if (size != 0) {
      table.axes.push_back({size < 0 ? Axis::variable : Axis::category, size < 0 ? d : Index{size}});
    }
    const Index each = size == 0 ? 1 : table.axes[1].size;
    table.values = Vector::Constant(k * each, inside(table.scale, each));
    tables_.push_back(std::move(table));
  }
  const Fields all = parameters();
  untouched_.resize(packed_size(all));
  em::pack(all, untouched_);
}

Fields RFamily::parameters() {
  Fields out;
  for (Table& table : tables_) out.push_back({table.name, table.scale, table.axes, table.values.data()});
  return out;
}

// What is held is held of whole components: family_check_held() sees to it.
Index RFamily::n_free() const {
  Index numbers = 0, free = 0;
  for (const Table& table : tables_) {
    const Index each = table.values.size() / k_;
    numbers += each;
    free += table.scale == Scale::simplex ? each - 1 : each;
  }
  return (k_ - n_held() / numbers) * free;
}

void RFamily::bind(const Data& data) {
  const bool same = bound_ && data.x == data_.x && data.n == data_.n && data.d == data_.d;
  Family::bind(data);
  if (same) return;
  const Rcpp::List rows = functions_->bind(matrix_to_r(data.matrix()));
  Bound bound{rows, {}};
  if (additive_) bound.statistics = matrix_from(element(rows, "statistics"), data.n);
  n_sums_ = bound.statistics.cols();
  bound_ = std::make_shared<const Bound>(std::move(bound));
}

Index RFamily::prepare(Accuracy /*accuracy*/) {
  const Fields all = parameters();
  Vector now(untouched_.size());
  em::pack(all, now);
  const Rcpp::List found = functions_->density(bound_->rows, write_parameters(all), now == untouched_);
  density_ = matrix_from(element(found, "density"), data_.n);
  if (density_.cols() != k_) throw std::invalid_argument("densities must have a column for each component");
  return Rcpp::as<int>(element(found, "component")) - 1;
}

void RFamily::log_density(Rows rows, double* /*work*/, MatrixRef out) const {
  out = density_.middleRows(rows.begin, rows.size);
}

void RFamily::accumulate(Rows rows, double* /*work*/, ConstMatrixRef responsibilities,
                         VectorRef statistics) const {
  for (Index j = 0; j < k_; ++j) {
    const ConstVectorMap own(responsibilities.data() + j * responsibilities.outerStride(), rows.size);
    double* const sums = statistics.data() + j * width();
    sums[0] += sum(own);
    if (additive_) {
      const Vector more = transposed_times(bound_->statistics.middleRows(rows.begin, rows.size), own);
      for (Index i = 0; i < n_sums_; ++i) sums[1 + i] += more[i];
    } else {
      for (Index i = 0; i < rows.size; ++i) sums[1 + rows.begin + i] += own[i];
    }
  }
}

void RFamily::maximise(ConstVectorRef statistics, Step step) {
  Matrix sums = ConstMatrixMap(statistics.data(), width(), k_);
  double total = 0.0;
  for (Index j = 0; j < k_; ++j) total += sums(0, j);
  if (step == Step::start && total > 0.0) {
    Vector mean = Vector::Zero(width());
    for (Index j = 0; j < k_; ++j) add_scaled(1.0, sums.col(j), mean);
    divide_to(mean, total, mean);
    for (Index j = 0; j < k_; ++j) add_scaled(pooled_part, mean, sums.col(j));
  }
  Matrix read = additive_ ? Matrix(k_, width() - 1) : Matrix(width() - 1, k_);
  Vector counts(k_);
  for (Index j = 0; j < k_; ++j) {
    counts[j] = sums(0, j);
    for (Index i = 1; i < width(); ++i) (additive_ ? read(j, i - 1) : read(i - 1, j)) = sums(i, j);
  }
  const Fields all = parameters();
  const Rcpp::List found =
      functions_->maximise(bound_->rows, Rcpp::NumericVector(counts.data(), counts.data() + k_),
                           matrix_to_r(read), write_parameters(all));
  read_parameters(found, all);
  restore_held();
}

}  // namespace em
