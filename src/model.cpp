#include "model.h"

#include <algorithm>
#include <utility>

namespace em {

namespace {

constexpr Index least_slice_rows = 4096;
constexpr Index most_slices = 64;

Fields join(Fields first, const Fields& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

Model::Model(std::unique_ptr<Family> family, std::unique_ptr<Latent> latent, const Data& data)
    : family_(std::move(family)),
      latent_(std::move(latent)),
      data_(data),
      family_fields_(family_->parameters()),
      fields_(join(latent_->parameters(), family_fields_)),
      statistics_(Vector::Zero(family_->n_statistics() + latent_->n_statistics())) {
  family_->bind(data);
  latent_->bind(data);
  if (latent_->rows_are_complete()) family_->rows_are_complete();
  make_slices();
}

Model::Model(const Model& other)
    : family_(other.family_->clone()),
      latent_(other.latent_->clone()),
      data_(other.data_),
      family_fields_(family_->parameters()),
      fields_(join(latent_->parameters(), family_fields_)),
      blocks_(other.blocks_),
      slices_(other.slices_),
      block_rows_(other.block_rows_),
      statistics_(Vector::Zero(other.statistics_.size())) {}

void Model::make_slices() {
  blocks_ = latent_->blocks(n_rows(), family_->block_rows());
  const Index slice_rows = std::max(least_slice_rows, n_rows() / most_slices);
  Rows slice;
  Index rows = 0;
  for (const Rows& block : blocks_) {
    block_rows_ = std::max(block_rows_, block.size);
    ++slice.size;
    rows += block.size;
    if (rows < slice_rows) continue;
    slices_.push_back(slice);
    slice = {slice.end(), 0};
    rows = 0;
  }
  if (slice.size > 0) slices_.push_back(slice);
}

void Model::make_workers(int threads) {
  const std::size_t wanted =
      std::clamp(size_of(std::max(threads, 1)), std::size_t{1}, std::max(slices_.size(), std::size_t{1}));
  while (workers_.size() < wanted) {
    Worker worker;
    worker.work.resize(size_of(family_->n_workspace(block_rows_)));
    worker.block.resize(block_stride(size_of(block_rows_)) * size_of(n_columns()));
    worker.statistics.resize(statistics_.size());
    workers_.push_back(std::move(worker));
  }
}

Index Model::prepare(Accuracy accuracy) {
  latent_->prepare();
  return family_->prepare(accuracy);
}

// task(rows, work, responsibilities, family statistics, latent statistics) returns what a block adds to the
// log-likelihood.
template <class BlockTask>
double Model::pass(int threads, Interrupt& interrupt, BlockTask task) {
  make_workers(threads);
  const Index n_family = family_->n_statistics();
  const Index n_latent = latent_->n_statistics();
  Turnstile turnstile;
  double loglik = 0.0;
  statistics_.setZero();
  parallel_for(static_cast<Index>(slices_.size()), threads, interrupt, [&](Index i, int id) {
    Worker& worker = workers_[size_of(id)];
    const Rows& slice = slices_[size_of(i)];
    MatrixMap block(worker.block.data(), static_cast<Index>(block_stride(size_of(block_rows_))), n_columns());
    worker.statistics.setZero();
    double slice_loglik = 0.0;
    std::exception_ptr failure;
    try {
      for (Index b = slice.begin; b < slice.end() && !interrupt.raised(); ++b) {
        const Rows& rows = blocks_[size_of(b)];
        slice_loglik += task(rows, worker.work.data(), block.topRows(rows.size),
                             worker.statistics.head(n_family), worker.statistics.tail(n_latent));
      }
      family_->close_slice(worker.statistics.head(n_family), worker.work.data());
    } catch (...) {
      failure = std::current_exception();
    }
    turnstile.pass(i, [&] {
      statistics_ += worker.statistics;
      loglik += slice_loglik;
    });
    if (failure) std::rethrow_exception(failure);
  });
  return loglik;
}

// The rows that are likely to come after these.
ConstBlock Model::source_behind(Rows rows) const {
  return family_->source({rows.end(), std::min(rows.size, n_rows() - rows.end())});
}

double Model::expect(int threads, Interrupt& interrupt) {
  double loglik = pass(threads, interrupt,
                       [this](Rows rows, double* work, MatrixRef block, VectorRef family, VectorRef latent) {
                         const double* weights = data_.weights ? data_.weights + rows.begin : nullptr;
                         family_->pack(rows, work);
                         family_->log_density(rows, work, block.leftCols(n_components()));
                         const double sum =
                             latent_->posterior(rows, weights, block, nullptr, latent, source_behind(rows));
                         family_->accumulate(rows, work, block.leftCols(n_components()), family);
                         return sum;
                       });
  loglik += family_->close_pass(statistics_.head(family_->n_statistics()));
  return loglik;
}

double Model::objective(int threads, Interrupt& interrupt) {
  return expect(threads, interrupt) + family_->log_prior();
}

void Model::fill_given(Rows rows, const Given& given, MatrixRef block) const {
  for (Index j = 0; j < block.cols(); ++j) {
    double* column = &block(0, j);
    std::fill(column, column + padded_rows(size_of(rows.size)), 0.0);
    if (given.responsibilities) {
      std::copy_n(given.responsibilities + j * n_rows() + rows.begin, rows.size, column);
    }
  }
  for (Index i = 0; given.labels && i < rows.size; ++i) block(i, given.labels[rows.begin + i] - 1) = 1.0;
  if (data_.weights) block.array().colwise() *= ConstArrayMap(data_.weights + rows.begin, rows.size);
}

void Model::expect_given(const Given& given, int threads, Interrupt& interrupt) {
  pass(threads, interrupt, [&](Rows rows, double* work, MatrixRef block, VectorRef family, VectorRef latent) {
    fill_given(rows, given, block);
    family_->pack(rows, work);
    latent_->accumulate(rows, block, latent);
    family_->accumulate(rows, work, block.leftCols(n_components()), family);
    return 0.0;
  });
}

void Model::report(double* responsibilities, double* log_density, double* row_loglik, int threads,
                   Interrupt& interrupt) {
  const Index n = n_rows();
  const Index k = n_components();
  pass(threads, interrupt,
       [&](Rows rows, double* work, MatrixRef block, VectorRef /*family*/, VectorRef latent) {
         MatrixRef own = block.leftCols(k);
         family_->pack(rows, work);
         family_->log_density(rows, work, own);
         if (log_density) MatrixMap(log_density, n, k).middleRows(rows.begin, rows.size) = own;
         if (!responsibilities && !row_loglik) return 0.0;
         latent_->posterior(rows, nullptr, block, row_loglik ? row_loglik + rows.begin : nullptr, latent, {});
         if (responsibilities) {
           MatrixMap(responsibilities, n, n_columns()).middleRows(rows.begin, rows.size) = block;
         }
         return 0.0;
       });
}

void Model::maximise(Step step) {
  family_->maximise(statistics_.head(family_->n_statistics()), step);
  latent_->maximise(statistics_.tail(latent_->n_statistics()));
}

void Model::maximise_from(const Given& given, Step step, int threads, Interrupt& interrupt) {
  for (int round = 0; round < 2; ++round) {
    prepare(Accuracy::exact);  // a density that does not exist yet is no matter here
    expect_given(given, threads, interrupt);
    maximise(step);
  }
}

std::unique_ptr<Chart> Model::chart() {
  const Index n_family = family_->n_statistics();
  return join_charts(latent_->chart(statistics_.tail(latent_->n_statistics())),
                     family_->chart(statistics_.head(n_family)), n_family);
}

Rows Model::rows_of(const Rows& slice) const {
  const Index begin = blocks_[size_of(slice.begin)].begin;
  return {begin, blocks_[size_of(slice.end() - 1)].end() - begin};
}

void Model::score(const Chart& chart, int threads, Interrupt& interrupt, const ScoreVisitor& visit) {
  make_workers(threads);
  // Gradients are linear in the statistics; what they are without any is that of a prior.
  Vector prior(chart.size());
  chart.gradient(Vector::Zero(statistics_.size()), prior);
  Turnstile turnstile;
  parallel_for(static_cast<Index>(slices_.size()), threads, interrupt, [&](Index i, int id) {
    const Rows rows = rows_of(slices_[size_of(i)]);
    Matrix scores;
    std::exception_ptr failure;
    try {
      scores.resize(rows.size, chart.size());
      for (Index row = rows.begin; row < rows.end() && !interrupt.raised(); row += 64) {
        const Rows some{row, std::min<Index>(64, rows.end() - row)};
        score_rows(some, chart, prior, workers_[size_of(id)], scores.middleRows(row - rows.begin, some.size));
      }
    } catch (...) {
      failure = std::current_exception();
    }
    turnstile.pass(i, [&] {
      if (!failure && !interrupt.raised()) visit(rows, scores);
    });
    if (failure) std::rethrow_exception(failure);
  });
}

// Statistics of one row at a time, and their gradient.
void Model::score_rows(Rows rows, const Chart& chart, const Vector& prior, Worker& worker,
                       MatrixRef scores) const {
  const Index n_family = family_->n_statistics();
  const Index n_latent = latent_->n_statistics();
  double* work = worker.work.data();
  MatrixMap block(worker.block.data(), static_cast<Index>(block_stride(size_of(block_rows_))), n_columns());
  MatrixRef row = block.topRows(1);
  Vector gradient(chart.size());
  for (Index i = 0; i < rows.size; ++i) {
    const Rows one{rows.begin + i, 1};
    worker.statistics.setZero();
    family_->pack(one, work);
    family_->log_density(one, work, row.leftCols(n_components()));
    latent_->posterior(one, nullptr, row, nullptr, worker.statistics.tail(n_latent), {});
    family_->accumulate(one, work, row.leftCols(n_components()), worker.statistics.head(n_family));
    family_->close_slice(worker.statistics.head(n_family), work);
    chart.gradient(worker.statistics, gradient);
    scores.row(i) = gradient - prior;
  }
}

}  // namespace em
