// r_parts.h: rows that functions of R hand over, part after part. They are called on the main thread.
//
//   parts    list(n = rows in all, weighted = have they weights?, next, and what may be NULL or left out:
//   recall,
//            keep, at_hand, put_back, gather, weight = the sum of weights, first_leaf = the number of the
//            slice that the rows begin)
//   next(rows, first)         the next `rows` rows as data (r_convert.h), NULL at the end;
//   first:
//                             begin anew. Fewer rows only at the end.
//   recall(parameters, exact, slice, description)
//                             NULL, or the sums of the pass at these packed parameters: see PassAsked in
//                             parts.h
//   at_hand(least, first)     the same, as many as come without being copied; and their `skip`: see parts.h
//   put_back(rows)            were there others behind them?
//   keep(parameters, sums)    told of each pass
//   gather(about, state)      the state with what all rows add to it: see Family::describe_parts()
#pragma once

#include "r_headers.h"

#include "r_convert.h"

namespace em {

class RParts : public Parts {
 public:
  // columns: of responsibilities.
  RParts(const Rcpp::List& parts, Index columns);

  Index n_rows() const override { return n_; }
  bool has_weights() const override { return weighted_; }
  void rewind() override { first_ = true; }
  bool next(Index rows, Data& part) override;
  bool next_at_hand(Index least, Index wanted, Data& part, Index& skip) override;
  bool put_back(Index rows) override;
  Index first_leaf() const override { return first_leaf_; }
  double total_weight() const override { return weight_; }
  bool gather(ConstVectorRef about, VectorRef state) override;
  bool recall(const PassAsked& pass, VectorRef sums) override;
  void keep(ConstVectorRef parameters, ConstVectorRef sums) override;

 private:
  bool take(const char* from, Index rows, Data& part);

  Rcpp::List functions_;
  Index columns_;
  Index n_;
  bool weighted_;
  Index first_leaf_;
  double weight_;
  bool first_ = true;
  Rcpp::RObject part_;  // keeps the memory of the rows
};

}  // namespace em
