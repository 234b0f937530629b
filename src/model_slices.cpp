// How the rows of a model are cut: into stretches, which are worked on at once, and slices of these, whose
// sums the tree adds up.
#include <algorithm>

#include "model.h"

namespace em {

namespace {

constexpr Index least_slice = 4096;

}  // namespace

// Blocks of a unit begin at multiples of eight rows, so that the padding of one is never read beside the
// next.
void Model::make_stretches(Index skip) {
  units_ = latent_->units();
  stretches_.clear();
  block_rows_ = static_cast<Index>(padded_rows(size_of(std::min(family_->block_rows(), n_rows()))));
  if (units_.empty()) {
    stretches_.reserve(size_of(n_rows() / std::max<Index>(block_rows_, 1) + 1));
    for (Index begin = skip; begin < n_rows(); begin += block_rows_) {
      const Rows rows{begin, std::min(block_rows_, n_rows() - begin)};
      stretches_.push_back({rows, rows});
    }
  }
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const Rows& unit = units_[i];
    if (unit.begin < skip) continue;
    if (stretches_.empty() || stretches_.back().rows.size + unit.size > block_rows_) {
      stretches_.push_back({{unit.begin, 0}, {static_cast<Index>(i), 0}});
    }
    stretches_.back().rows.size += unit.size;
    ++stretches_.back().units.size;
  }
  for (const Stretch& stretch : stretches_) longest_ = std::max(longest_, stretch.rows.size);
}

// A slice has so many rows, and those that fill its last block.
Index Model::slice_rows() const {
  Index wanted = least_slice;
  while (wanted * std::max<Index>(data_.d, 1) < statistics_.size()) wanted *= 2;
  return wanted;
}

void Model::make_slices() {
  slices_.clear();
  const Index wanted = slice_rows();
  Rows slice;
  Index rows = 0;
  for (const Stretch& stretch : stretches_) {
    ++slice.size;
    rows += stretch.rows.size;
    if (rows < wanted) continue;
    slices_.push_back(slice);
    slice = {slice.end(), 0};
    rows = 0;
  }
  if (slice.size > 0) slices_.push_back(slice);
}

}  // namespace em
