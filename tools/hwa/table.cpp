// SPDX-License-Identifier: MIT
// Drop columns until the rest fits with its flexible ones cut, then give these what room is left.
#include "table.h"

#include "text.h"
#include "units.h"

#include <algorithm>
#include <numeric>

namespace hwa::tool {

static constexpr size_t gap = 2;
/// Columns beyond this priority are extras.
static constexpr int comfort = 4;

void Table::row(std::vector<Cell> cells) {
    for (Cell &cell : cells) {
        cell.text = cell.text.empty() ? unknown : printable(cell.text);
        if (cell.text == unknown)
            cell.look = Look::Faint;
    }
    rows_.push_back(std::move(cells));
}

size_t Table::natural(size_t column) const {
    size_t widest = tool::columns(columns_[column].title);
    for (const std::vector<Cell> &cells : rows_)
        widest = std::max(widest, tool::columns(cells[column].text));
    return widest;
}

bool Table::known(size_t column) const {
    return std::any_of(rows_.begin(), rows_.end(), [column](const std::vector<Cell> &cells) {
        return cells[column].text != unknown;
    });
}

/// The columns to show, and their widths.
std::vector<size_t> Table::choose(size_t width, std::vector<size_t> &widths) const {
    std::vector<size_t> shown;
    for (size_t i = 0; i < columns_.size(); ++i) {
        widths[i] = natural(i);
        if (known(i) || columns_[i].priority == 0)
            shown.push_back(i);
    }
    const auto cut_to = [&](size_t i, size_t times) {
        return columns_[i].least == 0 ? widths[i] : std::min(times * columns_[i].least, widths[i]);
    };
    const auto total = [&](size_t times) {
        return std::accumulate(shown.begin(), shown.end(), indent_ + gap * (shown.size() - 1),
                               [&](size_t sum, size_t i) { return sum + cut_to(i, times); });
    };
    const auto drop = [&](int priority, size_t times) {
        while (total(times) > width) {
            const auto last = std::max_element(shown.begin(), shown.end(), [&](size_t a, size_t b) {
                return columns_[a].priority < columns_[b].priority;
            });
            if (columns_[*last].priority <= priority)
                break;
            shown.erase(last);
        }
    };
    // What is nice to have does not squeeze the rest to the utmost.
    drop(comfort, 2);
    drop(0, 1);
    const auto spare = [&](size_t i) { return widths[i] - cut_to(i, 1); };
    while (total(SIZE_MAX / 4096) > width) {
        const auto widest = std::max_element(shown.begin(), shown.end(), [&](size_t a, size_t b) {
            return (spare(a) > 0 ? widths[a] : 0) < (spare(b) > 0 ? widths[b] : 0);
        });
        if (spare(*widest) == 0)
            break;
        --widths[*widest];
    }
    return shown;
}

void Table::print_row(const std::vector<Cell> &cells, const std::vector<size_t> &shown,
                      const std::vector<size_t> &widths, Screen &screen) const {
    std::string line(std::min(indent_, screen.width()), ' ');
    size_t used = line.size();
    for (size_t i : shown) {
        const size_t room = screen.width() - used;
        const bool last = i == shown.back();
        if (last && columns_[i].wraps && tool::columns(cells[i].text) > widths[i]) {
            screen.beside(line, used, cells[i].text, cells[i].look);
            return;
        }
        const std::string text = clip(cells[i].text, std::min(widths[i], room));
        const size_t pad = std::min(widths[i] - tool::columns(text), room);
        const size_t after = last ? 0 : gap;
        line += std::string(columns_[i].right ? pad : 0, ' ') + screen.paint(cells[i].look, text) +
                std::string((columns_[i].right || last ? 0 : pad) + after, ' ');
        used = std::min(used + widths[i] + after, screen.width());
    }
    line.erase(line.find_last_not_of(' ') + 1);
    screen.print(line + "\n");
}

void Table::print(Screen &screen) const {
    std::vector<size_t> widths(columns_.size());
    const std::vector<size_t> shown = choose(screen.width(), widths);
    std::vector<Cell> titles;
    for (const Column &column : columns_)
        titles.push_back({column.title, Look::Heading});
    print_row(titles, shown, widths, screen);
    for (const std::vector<Cell> &cells : rows_)
        print_row(cells, shown, widths, screen);
}

} // namespace hwa::tool
