// r_parts.h: rows that functions of R hand over, part after part. They are called on the main thread.
//
//   parts    list(n = rows in all, weighted = have they weights?, next, at_hand, put_back, recall, keep)
//   next(rows, first)         the next `rows` rows as data (r_convert.h), NULL at the end; first: begin anew.
//                             Fewer rows only at the end.
//   at_hand(least, first)     the same, as many as come without being copied; and their `skip`: see parts.h
//   put_back(rows)            were there others behind them?
//   recall(parameters)        NULL, or the sums of the pass at these packed parameters; may be NULL itself
//   keep(parameters, sums)    told of each pass; may be NULL itself
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
  bool recall(ConstVectorRef parameters, VectorRef sums) override;
  void keep(ConstVectorRef parameters, ConstVectorRef sums) override;

 private:
  bool take(const char* from, Index rows, Data& part);

  Rcpp::List functions_;
  Index columns_;
  Index n_;
  bool weighted_;
  bool first_ = true;
  Rcpp::RObject part_;  // keeps the memory of the rows
};

}  // namespace em
