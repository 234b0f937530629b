#include "family_mixed.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"

namespace em {

namespace {

// Parts of a workspace begin at multiples of 64 bytes.
Index room_of(const Family& family, Index rows) { return (family.n_workspace(rows) + 7) / 8 * 8; }

bool is_run(const std::vector<Index>& columns) {
  return std::adjacent_find(columns.begin(), columns.end(), [](Index a, Index b) { return b != a + 1; }) ==
         columns.end();
}

Matrix copy_columns(const Part& part, const ConstMatrixMap& x) {
  Matrix out(x.rows(), static_cast<Index>(part.columns.size()));
  for (Index j = 0; j < out.cols(); ++j) {
    std::copy_n(x.data() + part.columns[size_of(j)] * x.rows(), x.rows(), out.data() + j * x.rows());
  }
  return out;
}

Matrix with_exposures(const Part& part, const ConstMatrixMap& x) {
  const Matrix counts = copy_columns(part, x);
  const Index size = counts.size();
  Matrix out(x.rows(), counts.cols() + part.exposures);
  for (Index i = 0; i < size; ++i) {
    const bool seen = !std::isnan(counts.data()[i]);
    out.data()[i] = seen ? counts.data()[i] : 0.0;
    if (part.exposures > 0) out.data()[size + i] = seen ? 1.0 : 0.0;
  }
  return out;
}

Matrix with_trials(const Part& part, const ConstMatrixMap& x) {
  const Matrix given = copy_columns(part, x);
  Matrix out = Matrix::Zero(x.rows(), 2);
  for (Index i = 0; i < x.rows(); ++i) {
    double trials = given(i, 0);
    for (Index j = 1; j < given.cols(); ++j) trials += given(i, j);
    if (given.cols() == 1) trials = part.size;
    if (std::isnan(trials) || std::isnan(given(i, 0))) continue;
    out(i, 0) = given(i, 0);
    out(i, 1) = trials;
  }
  return out;
}

Matrix rows_of_part(const Part& part, const ConstMatrixMap& x) {
  if (part.reading == Reading::counts) return with_exposures(part, x);
  return part.reading == Reading::trials ? with_trials(part, x) : copy_columns(part, x);
}

Vector scales_of(const std::vector<std::unique_ptr<Chart>>& charts) {
  Index size = 0;
  for (const auto& chart : charts) size += chart->size();
  Vector out(size);
  Index at = 0;
  for (const auto& chart : charts) {
    std::copy_n(chart->scale().data(), chart->size(), out.data() + at);
    at += chart->size();
  }
  return out;
}

class ChartsOfParts : public Chart {
 public:
  ChartsOfParts(std::vector<std::unique_ptr<Chart>> charts, std::vector<Index> n_statistics)
      : Chart(scales_of(charts)), charts_(std::move(charts)), n_statistics_(std::move(n_statistics)) {}

  void place(ConstVectorRef z) override {
    Index at = 0;
    for (const auto& chart : charts_) {
      chart->place(ConstVectorMap(z.data() + at, chart->size()));
      at += chart->size();
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    Index at = 0;
    Index from = 0;
    for (std::size_t i = 0; i < charts_.size(); ++i) {
      charts_[i]->slope(ConstVectorMap(statistics.data() + from, n_statistics_[i]),
                        VectorMap(g.data() + at, charts_[i]->size()));
      at += charts_[i]->size();
      from += n_statistics_[i];
    }
  }

 private:
  std::vector<std::unique_ptr<Chart>> charts_;
  std::vector<Index> n_statistics_;
};

}  // namespace

FamilyMixed::FamilyMixed(Index k, std::vector<Part> parts)
    : Family(k), parts_(std::move(parts)), rows_(parts_.size()) {}

FamilyMixed::FamilyMixed(const FamilyMixed& other) : Family(other), rows_(other.rows_) {
  for (const Part& part : other.parts_) {
    parts_.push_back(
        {part.name, part.columns, part.reading, part.exposures, part.size, part.family->clone()});
  }
}

template <class Visit>
void FamilyMixed::for_each(Visit visit) const {
  Index at = 0;
  for (const Part& part : parts_) {
    visit(*part.family, at);
    at += part.family->n_statistics();
  }
}

Index FamilyMixed::n_statistics() const {
  Index out = 0;
  for (const Part& part : parts_) out += part.family->n_statistics();
  return out;
}

Index FamilyMixed::n_free() const {
  Index out = 0;
  for (const Part& part : parts_) out += part.family->n_free();
  return out;
}

Fields FamilyMixed::parameters() {
  Fields out;
  for (const Part& part : parts_) {
    for (Field field : part.family->parameters()) {
      field.name = part.name + "." + field.name;
      out.push_back(field);
    }
  }
  return out;
}

void FamilyMixed::bind(const Data& data) {
  const bool same = data.x == data_.x && data.n == data_.n && data.d == data_.d;
  Family::bind(data);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const bool as_they_are = part.reading == Reading::plain && is_run(part.columns);
    if (!as_they_are && !(same && rows_[i])) {
      rows_[i] = std::make_shared<const Matrix>(rows_of_part(part, data.matrix()));
    }
    Data own;
    own.x = as_they_are ? data.x + part.columns.front() * data.n : rows_[i]->data();
    own.n = data.n;
    own.d = as_they_are ? static_cast<Index>(part.columns.size()) : rows_[i]->cols();
    own.weights = data.weights;
    part.family->bind(own);
  }
}

Index FamilyMixed::describe() {
  for (const Part& part : parts_) {
    const Index defect = part.family->describe();
    if (defect >= 0) return part.columns[size_of(defect)];
  }
  return -1;
}

Index FamilyMixed::block_rows() const {
  Index out = parts_.front().family->block_rows();
  for (const Part& part : parts_) out = std::min(out, part.family->block_rows());
  return out;
}

// The parts' own, one behind the other, and behind them a block of log densities.
Index FamilyMixed::n_workspace(Index block_rows) const {
  Index out = static_cast<Index>(block_stride(size_of(block_rows))) * k_;
  for (const Part& part : parts_) out += room_of(*part.family, block_rows);
  return out;
}

void FamilyMixed::pack(Rows rows, double* work) const {
  for (const Part& part : parts_) {
    part.family->pack(rows, work);
    work += room_of(*part.family, rows.size);
  }
}

bool FamilyMixed::is_exact() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.family->is_exact(); });
}

void FamilyMixed::rows_are_complete() {
  for (const Part& part : parts_) part.family->rows_are_complete();
}

Index FamilyMixed::prepare(Accuracy accuracy) {
  Index first = -1;
  for (const Part& part : parts_) {
    const Index without = part.family->prepare(accuracy);
    if (without >= 0 && (first < 0 || without < first)) first = without;
  }
  return first;
}

void FamilyMixed::log_density(Rows rows, double* work, MatrixRef out) const {
  parts_.front().family->log_density(rows, work, out);
  double* room = work;
  for (const Part& part : parts_) room += room_of(*part.family, rows.size);
  MatrixMap all(room, static_cast<Index>(block_stride(size_of(rows.size))), k_);
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    work += room_of(*parts_[i - 1].family, rows.size);
    parts_[i].family->log_density(rows, work, all.topRows(rows.size));
    out += all.topRows(rows.size);
  }
}

void FamilyMixed::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                             VectorRef statistics) const {
  for_each([&](const Family& family, Index at) {
    family.accumulate(rows, work, responsibilities, VectorMap(statistics.data() + at, family.n_statistics()));
    work += room_of(family, rows.size);
  });
}

void FamilyMixed::close_slice(VectorRef statistics, double* work) const {
  for_each([&](const Family& family, Index at) {
    family.close_slice(VectorMap(statistics.data() + at, family.n_statistics()), work);
  });
}

double FamilyMixed::close_pass(VectorRef statistics) const {
  double out = 0.0;
  for_each([&](const Family& family, Index at) {
    out += family.close_pass(VectorMap(statistics.data() + at, family.n_statistics()));
  });
  return out;
}

void FamilyMixed::maximise(ConstVectorRef statistics, Step step) {
  Index at = 0;
  for (const Part& part : parts_) {
    const Index size = part.family->n_statistics();
    part.family->maximise(ConstVectorMap(statistics.data() + at, size), step);
    at += size;
  }
}

std::unique_ptr<Chart> FamilyMixed::chart(ConstVectorRef statistics) {
  std::vector<std::unique_ptr<Chart>> charts;
  std::vector<Index> sizes;
  Index at = 0;
  for (const Part& part : parts_) {
    sizes.push_back(part.family->n_statistics());
    charts.push_back(part.family->chart(ConstVectorMap(statistics.data() + at, sizes.back())));
    at += sizes.back();
  }
  return std::make_unique<ChartsOfParts>(std::move(charts), std::move(sizes));
}

bool FamilyMixed::thread_safe() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.family->thread_safe(); });
}

Index FamilyMixed::n_features() const {
  Index out = 0;
  for (const Part& part : parts_) out += part.family->n_features();
  return out;
}

// Every column weighs as one number of variance 1, whatever its part.
void FamilyMixed::features(Rows rows, MatrixRef out) const {
  Index at = 0;
  for (const Part& part : parts_) {
    const Index size = part.family->n_features();
    part.family->features(rows, out.middleCols(at, size));
    at += size;
  }
}

void FamilyMixed::start_at(const std::vector<Index>& rows) {
  for (const Part& part : parts_) part.family->start_at(rows);
}

Vector FamilyMixed::relative_spread() const {
  Vector out = Vector::Ones(k_);
  for (const Part& part : parts_) {
    const Vector own = part.family->relative_spread();
    for (Index j = 0; j < k_; ++j) out[j] = std::min(out[j], own[j]);
  }
  return out;
}

double FamilyMixed::rows_needed(Index component) const {
  double out = 0.0;
  for (const Part& part : parts_) out = std::max(out, part.family->rows_needed(component));
  return out;
}

// The integral of a product is the product of the integrals.
double FamilyMixed::distance(Index a, Index b, double enough) const {
  double out = 0.0;
  for (const Part& part : parts_) {
    if (out >= enough) break;
    out += part.family->distance(a, b, enough - out);
  }
  return out;
}

double FamilyMixed::log_prior() const {
  double out = 0.0;
  for (const Part& part : parts_) out += part.family->log_prior();
  return out;
}

}  // namespace em
