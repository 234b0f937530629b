// What a model does where its rows come in parts: see parts.h.
#include <algorithm>
#include <utility>

#include "model.h"

namespace em {

namespace {

// About so many rows are asked for at once; of Family::describe_parts() exactly so many.
constexpr Index part_rows = 65536;

}  // namespace

void Model::take_parts(std::shared_ptr<Parts> parts) {
  parts_ = std::move(parts);
  total_weight_ = static_cast<double>(parts_->n_rows());
  if (!parts_->has_weights()) return;
  total_weight_ = 0.0;
  Data part;
  parts_->rewind();
  while (parts_->next(part_rows, part)) total_weight_ = part.total_weight(total_weight_);
}

Index Model::describe() {
  if (!parts_) return family_->describe();
  return family_->describe_parts(parts_->n_rows(), total_weight_,
                                 [this](const std::function<void(Index)>& action) {
                                   Interrupt none;
                                   Index first = 0;
                                   for_each_part(none, part_rows, [&] {
                                     action(first);
                                     first += n_rows();
                                   });
                                 });
}

// action() for the rows that are bound or, where they come in parts, for one part after the other; at the end
// the sample is bound again.
void Model::for_each_part(Interrupt& interrupt, Index rows, const std::function<void()>& action) {
  if (!parts_) return action();
  const Data sample = data_;
  Data part;
  parts_->rewind();
  while (!interrupt.raised() && parts_->next(rows, part)) {
    bind(part);
    action();
  }
  bind(sample);
}

// Whole slices.
Index Model::rows_of_part() const {
  const auto block = static_cast<Index>(padded_rows(size_of(family_->block_rows())));
  const Index slice = (slice_rows() + block - 1) / block * block;
  return std::max<Index>(part_rows / slice, 1) * slice;
}

bool Model::recall_pass() {
  if (!parts_) return false;
  Vector parameters(n_parameters());
  pack(fields_, parameters);
  sums_.resize(statistics_.size() + 2);
  return parts_->recall(parameters, sums_);
}

void Model::keep_pass() {
  if (!parts_) return;
  Vector parameters(n_parameters());
  pack(fields_, parameters);
  parts_->keep(parameters, sums_);
}

}  // namespace em
