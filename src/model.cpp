#include "model.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace em {

namespace {

Fields join(Fields first, const Fields& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Padding, as Family::accumulate() wants it.
void clear_behind(MatrixRef matrix) {
  const Index size = matrix.rows();
  const Index padding = static_cast<Index>(padded_rows(size_of(size))) - size;
  for (Index j = 0; j < matrix.cols(); ++j) std::fill_n(&matrix(0, j) + size, padding, 0.0);
}

}  // namespace

Model::Model(std::unique_ptr<Family> family, std::unique_ptr<Latent> latent, const Data& data)
    : family_(std::move(family)),
      latent_(std::move(latent)),
      data_(data),
      total_weight_(data.total_weight()),
      family_fields_(family_->parameters()),
      fields_(join(latent_->parameters(), family_fields_)),
      statistics_(Vector::Zero(family_->n_statistics() + latent_->n_statistics())) {
  bind(data);
  if (latent_->rows_are_complete()) family_->rows_are_complete();
}

Model::Model(const Model& other)
    : family_(other.family_->clone()),
      latent_(other.latent_->clone()),
      data_(other.data_),
      parts_(other.parts_),
      accuracy_(other.accuracy_),
      described_(other.described_),
      total_weight_(other.total_weight_),
      family_fields_(family_->parameters()),
      fields_(join(latent_->parameters(), family_fields_)),
      units_(other.units_),
      stretches_(other.stretches_),
      slices_(other.slices_),
      block_rows_(other.block_rows_),
      longest_(other.longest_),
      statistics_(Vector::Zero(other.statistics_.size())) {}

void Model::bind(const Data& data, Index skip) {
  data_ = data;
  skip_ = skip;
  family_->bind(data);
  latent_->bind(data);
  const Index block = block_rows_;
  const Index longest = longest_;
  make_stretches(skip);
  make_slices();
  if (block_rows_ > block || longest_ > longest) workers_.clear();
}

void Model::make_workers(int threads) {
  const std::size_t wanted =
      std::clamp(size_of(std::max(threads, 1)), std::size_t{1}, std::max(slices_.size(), std::size_t{1}));
  while (workers_.size() < wanted) {
    Worker worker;
    worker.work.resize(size_of(family_->n_workspace(block_rows_)));
    worker.room.resize(block_stride(size_of(longest_)) * size_of(n_columns()));
    worker.sums.resize(statistics_.size() + 2);
    workers_.push_back(std::move(worker));
  }
}

MatrixMap Model::matrix_of(Worker& worker) const {
  return {worker.room.data(), static_cast<Index>(block_stride(size_of(longest_))), n_columns()};
}

Vector Model::counts() const {
  const Index size = latent_->n_statistics();
  return latent_->counts(ConstVectorMap(statistics_.data() + statistics_.size() - size, size));
}

Index Model::prepare(Accuracy accuracy) {
  accuracy_ = accuracy;
  latent_->prepare();
  return family_->prepare(accuracy);
}

// task(block, where it begins among the rows)
template <class Task>
void Model::for_each_block(Rows rows, Task task) const {
  for (Index at = 0; at < rows.size; at += block_rows_) {
    task(Rows{rows.begin + at, std::min(block_rows_, rows.size - at)}, at);
  }
}

// task(unit, where it begins in the stretch): what the latent structure is asked about.
template <class Task>
void Model::for_each_unit(const Stretch& stretch, Task task) const {
  if (units_.empty()) return task(stretch.rows, Index{0});
  for (Index i = stretch.units.begin; i < stretch.units.end(); ++i) {
    task(unit(i), unit(i).begin - stretch.rows.begin);
  }
}

// task(stretch, work, matrix of its rows, statistics) returns what the stretch adds to the log-likelihood.
template <class Task>
double Model::pass(int threads, Interrupt& interrupt, Task task) {
  open_sums();
  for_whole_slices(interrupt, [&] { add_part(threads, interrupt, task); });
  if (parts_) family_->prepare(accuracy_);
  tree_.total(sums_);
  return close_sums();
}

void Model::open_sums() {
  const Index n_all = parts_ ? parts_->n_rows() / slice_rows() + 1 : static_cast<Index>(slices_.size());
  tree_.reset(statistics_.size() + 2, n_all, parts_ ? parts_->first_leaf() : 0);
  sums_.resize(statistics_.size() + 2);
}

template <class Task>
void Model::add_part(int threads, Interrupt& interrupt, Task task) {
  if (parts_) family_->prepare(accuracy_);  // what it makes ready may be of the rows
  add_slices(threads, interrupt, task);
}

double Model::close_sums() {
  const Index n_statistics = statistics_.size();
  statistics_ = sums_.head(n_statistics);
  size_ = total_weight_ + sums_[n_statistics + 1];
  return sums_[n_statistics];
}

template <class Task>
void Model::add_slices(int threads, Interrupt& interrupt, Task task) {
  make_workers(threads);
  const Index n_statistics = statistics_.size();
  const auto n_slices = static_cast<Index>(slices_.size());
  Turnstile turnstile;
  parallel_for(n_slices, threads, interrupt, [&](Index i, int id) {
    Turnstile::Ticket ticket(turnstile, i);
    Worker& worker = workers_[size_of(id)];
    const Rows& slice = slices_[size_of(i)];
    MatrixMap matrix = matrix_of(worker);
    worker.sums.setZero();
    VectorRef statistics = worker.sums.head(n_statistics);
    double& loglik = worker.sums[n_statistics];
    double& size = worker.sums[n_statistics + 1];
    for (Index s = slice.begin; s < slice.end() && !interrupt.raised(); ++s) {
      const Stretch& stretch = stretches_[size_of(s)];
      const double sum = task(stretch, worker.work.data(), matrix.topRows(stretch.rows.size), statistics);
      loglik += sum;
      size += std::abs(sum);
    }
    family_->close_slice(family_part(statistics), worker.work.data());
    ticket.pass([&] { tree_.add(worker.sums); });
  });
}

// The rows that are likely to come after these.
ConstBlock Model::source_behind(Rows rows) const {
  return family_->source({rows.end(), std::min(rows.size, n_rows() - rows.end())});
}

// Leaves the rows packed where they are one block.
void Model::add_densities(Rows rows, double* work, MatrixRef matrix) const {
  for_each_block(rows, [&](Rows block, Index at) {
    family_->pack(block, work);
    family_->log_density(block, work, matrix.block(at, 0, block.size, n_components()));
  });
}

// weights: of the stretch's first row; null: all ones.
double Model::find_posterior(const Stretch& stretch, const double* weights, MatrixRef matrix,
                             double* row_loglik, VectorRef statistics, ConstBlock next) const {
  double loglik = 0.0;
  for_each_unit(stretch, [&](Rows unit, Index at) {
    loglik += latent_->posterior(unit, weights ? weights + at : nullptr, matrix.middleRows(at, unit.size),
                                 row_loglik ? row_loglik + at : nullptr, statistics, next);
  });
  if (!units_.empty()) clear_behind(matrix);
  return loglik;
}

// The same with units that are assigned to a column each; the expected statistics are nobody's.
double Model::find_assigned(const Stretch& stretch, const double* weights, MatrixRef matrix,
                            VectorRef statistics, ConstBlock next) const {
  Vector expected = Vector::Zero(statistics.size());
  double sum = find_posterior(stretch, weights, matrix, nullptr, expected, next);
  for_each_unit(stretch, [&](Rows unit, Index at) {
    MatrixRef own = matrix.middleRows(at, unit.size);
    sum += assigner_.assign(unit, !units_.empty(), weights ? weights + at : nullptr, own);
    latent_->accumulate(unit, own, statistics);
  });
  return sum;
}

void Model::add_statistics(Rows rows, double* work, bool packed, ConstMatrixRef responsibilities,
                           VectorRef statistics) const {
  for_each_block(rows, [&](Rows block, Index at) {
    if (!packed || rows.size > block_rows_) family_->pack(block, work);
    family_->accumulate(block, work, responsibilities.block(at, 0, block.size, n_components()), statistics);
  });
}

double Model::expect_stretch(const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics) {
  const Rows& rows = stretch.rows;
  const double* weights = data_.weights ? data_.weights + rows.begin : nullptr;
  add_densities(rows, work, matrix);
  const ConstBlock next = source_behind(rows);
  VectorRef latent = latent_part(statistics);
  const double sum = assigner_.changes() ? find_assigned(stretch, weights, matrix, latent, next)
                                         : find_posterior(stretch, weights, matrix, nullptr, latent, next);
  add_statistics(rows, work, true, matrix, family_part(statistics));
  return sum;
}

double Model::expect(int threads, Interrupt& interrupt) {
  if (!recall_pass()) {
    pass(threads, interrupt,
         [this](const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics) {
           return expect_stretch(stretch, work, matrix, statistics);
         });
    if (!interrupt.raised()) keep_pass();
  }
  return close_expect();
}

double Model::close_expect() {
  const double loglik = close_sums();
  const double rest = family_->close_pass(family_part(statistics_));
  size_ += std::abs(rest);
  return loglik + rest;
}

double Model::objective(int threads, Interrupt& interrupt) { return with_prior(expect(threads, interrupt)); }

double Model::with_prior(double loglik) {
  const double prior = family_->log_prior();
  size_ += std::abs(prior);
  return loglik + prior;
}

std::vector<double> Model::objectives(const std::vector<Model*>& models, int threads, Interrupt& interrupt) {
  std::vector<Model*> unknown;
  for (Model* model : models) {
    if (!model->recall_pass()) unknown.push_back(model);
  }
  for (Model* model : unknown) model->open_sums();
  if (!unknown.empty()) {
    Model& first = *unknown.front();
    const Data sample = first.data_;
    first.for_whole_slices(interrupt, [&] {
      for (Model* model : unknown) {
        if (model != &first) {
          model->bind(first.data_, first.skip_);
          model->slices_ = first.slices_;
        }
        model->add_part(
            threads, interrupt,
            [model](const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics) {
              return model->expect_stretch(stretch, work, matrix, statistics);
            });
      }
    });
    for (Model* model : unknown) {
      if (model != &first) model->bind(sample);
      model->family_->prepare(model->accuracy_);
      model->tree_.total(model->sums_);
      if (!interrupt.raised()) model->keep_pass();
    }
  }
  std::vector<double> out;
  for (Model* model : models) out.push_back(model->with_prior(model->close_expect()));
  return out;
}

void Model::fill_given(Rows rows, const Given& given, MatrixRef matrix) const {
  for (Index j = 0; j < matrix.cols(); ++j) {
    double* column = &matrix(0, j);
    std::fill(column, column + padded_rows(size_of(rows.size)), 0.0);
    if (given.responsibilities) {
      std::copy_n(given.responsibilities + j * n_rows() + rows.begin, rows.size, column);
    }
  }
  for (Index i = 0; given.labels && i < rows.size; ++i) matrix(i, given.labels[rows.begin + i] - 1) = 1.0;
  if (data_.weights) matrix.array().colwise() *= ConstArrayMap(data_.weights + rows.begin, rows.size);
}

void Model::expect_given(const Given& given, int threads, Interrupt& interrupt) {
  pass(threads, interrupt, [&](const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics) {
    fill_given(stretch.rows, given, matrix);
    for_each_unit(stretch, [&](Rows unit, Index at) {
      latent_->accumulate(unit, matrix.middleRows(at, unit.size), latent_part(statistics));
    });
    add_statistics(stretch.rows, work, false, matrix, family_part(statistics));
    return 0.0;
  });
}

void Model::report(double* responsibilities, double* log_density, double* row_loglik, int threads,
                   Interrupt& interrupt) {
  const Index n = n_rows();
  const Index k = n_components();
  pass(threads, interrupt, [&](const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics) {
    const Rows& rows = stretch.rows;
    add_densities(rows, work, matrix);
    if (log_density) {
      MatrixMap(log_density, n, k).middleRows(rows.begin, rows.size) = matrix.leftCols(k);
    }
    if (!responsibilities && !row_loglik) return 0.0;
    find_posterior(stretch, nullptr, matrix, row_loglik ? row_loglik + rows.begin : nullptr,
                   latent_part(statistics), {});
    if (responsibilities) {
      MatrixMap(responsibilities, n, n_columns()).middleRows(rows.begin, rows.size) = matrix;
    }
    return 0.0;
  });
}

void Model::decode(Decoding want, double* out, int threads, Interrupt& interrupt) {
  pass(threads, interrupt,
       [&](const Stretch& stretch, double* work, MatrixRef matrix, VectorRef /*statistics*/) {
         const Rows& rows = stretch.rows;
         add_densities(rows, work, matrix);
         for_each_unit(stretch, [&](Rows unit, Index at) {
           latent_->decode(unit, want, matrix.middleRows(at, unit.size));
         });
         MatrixMap(out, n_rows(), n_columns()).middleRows(rows.begin, rows.size) = matrix;
         return 0.0;
       });
}

void Model::maximise(Step step) {
  family_->maximise(family_part(statistics_), step);
  latent_->maximise(latent_part(statistics_));
}

void Model::maximise_from(const Given& given, Step step, int threads, Interrupt& interrupt) {
  for (int round = 0; round < 2; ++round) {
    prepare(Accuracy::exact);  // a density that does not exist yet is no matter here
    expect_given(given, threads, interrupt);
    maximise(step);
  }
}

std::unique_ptr<Chart> Model::chart() {
  return join_charts(latent_->chart(latent_part(statistics_)), family_->chart(family_part(statistics_)),
                     family_->n_statistics());
}

// The statistics of one unit alone, and their gradient.
void Model::score_unit(Rows unit, const Chart& chart, Worker& worker, VectorRef gradient) const {
  double* work = worker.work.data();
  MatrixRef matrix = matrix_of(worker).topRows(unit.size);
  VectorRef statistics = worker.sums.head(statistics_.size());
  statistics.setZero();
  add_densities(unit, work, matrix);
  latent_->posterior(unit, nullptr, matrix, nullptr, latent_part(statistics), {});
  clear_behind(matrix);
  add_statistics(unit, work, true, matrix, family_part(statistics));
  family_->close_slice(family_part(statistics), work);
  chart.gradient(statistics, gradient);
}

}  // namespace em
