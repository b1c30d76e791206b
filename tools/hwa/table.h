// SPDX-License-Identifier: MIT
// Table: aligned columns that give way to a narrow screen by priority.
#pragma once

#include "screen.h"

#include <string>
#include <vector>

namespace hwa::tool {

struct Column {
    const char *title;
    int priority = 0;   ///< the highest number is the first to go; 0 stays
    bool right = false; ///< numbers line up at their right
    size_t least = 0;   ///< may be cut down to so many columns; 0: not
    bool wraps = false; ///< what is cut goes on below; of the last column only
};

struct Cell {
    std::string text;
    Look look = Look::Plain;
};

class Table {
  public:
    explicit Table(std::vector<Column> columns, size_t indent = 0)
        : columns_(std::move(columns)), indent_(indent) {}

    /// One cell per column; text that is empty is shown as unknown.
    void row(std::vector<Cell> cells);

    /// Columns with nothing known in them are left out.
    void print(Screen &screen) const;

    bool empty() const { return rows_.empty(); }

  private:
    std::vector<size_t> choose(size_t width, std::vector<size_t> &widths) const;
    size_t natural(size_t column) const;
    void print_row(const std::vector<Cell> &cells, const std::vector<size_t> &shown,
                   const std::vector<size_t> &widths, Screen &screen) const;
    bool known(size_t column) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
    size_t indent_;
};

} // namespace hwa::tool
