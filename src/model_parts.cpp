// What a model does where its rows come in parts: see parts.h.
#include <algorithm>
#include <utility>

#include "model.h"

namespace em {

namespace {

// About so many rows are asked for at once; for a description exactly so many.
constexpr Index part_rows = 65536;

}  // namespace

void Model::take_parts(std::shared_ptr<Parts> parts) {
  parts_ = std::move(parts);
  total_weight_ = static_cast<double>(parts_->n_rows());
  if (!parts_->has_weights()) return;
  const double known = parts_->total_weight();
  total_weight_ = std::max(known, 0.0);
  if (known >= 0.0) return;
  Data part;
  parts_->rewind();
  while (parts_->next(part_rows, part)) total_weight_ = part.total_weight(total_weight_);
}

Index Model::describe() {
  described_ = true;
  if (!parts_) return family_->describe();
  const Index n = parts_->n_rows();
  return family_->describe_parts(n, total_weight_, [this, n](ConstVectorRef about, VectorRef state) {
    if (!parts_->gather(about, state)) add_description(0, n, about, state);
  });
}

Index Model::take_description(ConstVectorRef description) {
  described_ = true;
  return family_->take_description(description);
}

void Model::add_description(Index first, Index n, ConstVectorRef about, VectorRef state) {
  Interrupt none;
  for_each_part(none, part_rows, [&] {
    family_->add_description(first, n, about, state);
    first += n_rows();
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

// Of a slice, with those that fill its last block.
Index Model::whole_slice() const {
  const auto block = static_cast<Index>(padded_rows(size_of(family_->block_rows())));
  return (slice_rows() + block - 1) / block * block;
}

Index Model::rows_of_part() const { return std::max<Index>(part_rows / whole_slice(), 1) * whole_slice(); }

// Those of the last slice, if it could become longer.
Index Model::rows_left_over() const {
  if (slices_.empty()) return n_rows() - skip_;
  const Index rest = n_rows() - stretches_[size_of(slices_.back().begin)].rows.begin;
  return units_.empty() && rest >= whole_slice() ? 0 : rest;
}

// The same by runs of slices as memory has them, whatever the parts: what is no whole slice is put back.
void Model::for_whole_slices(Interrupt& interrupt, const std::function<void()>& action) {
  if (!parts_) return action();
  const Data sample = data_;
  const Index slice = whole_slice();
  Data part;
  Index least = slice;
  Index skip = 0;
  parts_->rewind();
  while (!interrupt.raised() && parts_->next_at_hand(least, rows_of_part(), part, skip)) {
    bind(part, skip);
    const Index rest = rows_left_over();
    least = slice;
    if (rest > 0 && parts_->put_back(rest)) {
      slices_.pop_back();
      if (slices_.empty()) {
        least = 2 * rest;
        continue;
      }
    }
    action();
  }
  bind(sample);
}

bool Model::recall_pass() {
  if (!parts_) return false;
  Vector parameters(n_parameters());
  pack(fields_, parameters);
  sums_.resize(statistics_.size() + 2);
  const Vector description = described_ ? family_->description() : Vector();
  return parts_->recall(
      {parameters, accuracy_ == Accuracy::exact, whole_slice(), described_ ? &description : nullptr}, sums_);
}

void Model::keep_pass() {
  if (!parts_) return;
  Vector parameters(n_parameters());
  pack(fields_, parameters);
  parts_->keep(parameters, sums_);
}

}  // namespace em
