# SPDX-License-Identifier: GPL-2.0
# Draw how the figures of results.csv grow with the number of items:
# gnuplot -e 'results="results.csv"; other="peer"' chart.gnuplot >chart.svg
# other is the name of the figures next to ours. Scales are logarithmic, so figures that
# grow in proportion to the items are parallel to the grey line.

if (!exists("format")) format = "svg"
set terminal @format size 1300,900 font "DejaVu Sans,12" background "white"

# A panel: title, name and divisor of the size, and "case:figure:title" of each line
array title[6]; array name[6]; array unit[6]; array lines[6]
title[1] = "Single pages, side by side"
name[1] = "GiB"; unit[1] = 1024
lines[1] = "contiguous:preserve:preserve \
	contiguous:unpreserve:unpreserve contiguous:preserve_all:preserve~at~once"
title[2] = "One memfd, of 4 KiB or 2 MiB pages"
name[2] = "MiB"; unit[2] = 1
lines[2] = "memfd-4k:preserve_fd:preserve,~4~KiB memfd-4k:retrieve_fd:retrieve,~4~KiB \
	memfd-2m:preserve_fd:preserve,~2~MiB memfd-2m:retrieve_fd:retrieve,~2~MiB"
title[3] = "Empty sessions"
name[3] = "thousand sessions"; unit[3] = 1000
lines[3] = "sessions:create:create~all sessions:open+retrieve:retrieve~all"
title[4] = "Memfds of one page, in one session"
name[4] = "thousand memfds"; unit[4] = 1000
lines[4] = "memfds:preserve_fds:preserve~all memfds:retrieve_fds:retrieve~all memfds:finish:finish"
title[5] = "Added to the blackout by preserved pages"
name[5] = "GiB that the pages lie in"; unit[5] = 1024
lines[5] = "fragmented:blackout_added:every~second~page contiguous:blackout_added:every~page~(bottom~is~none)"
title[6] = "Blackout, nothing preserved"
name[6] = "GiB of memory"; unit[6] = 1024
lines[6] = "nothing:blackout:blackout"

part(line, i) = system("echo '".line."' | cut -d : -f ".i." | tr '~' ' '")

# Size and ms of one figure: of a kernel, as published, as goal
# The time added to a blackout may be zero or negative. It is drawn as 0.1 ms.
ms = "function ms(x) { return $8 == \"ns\" ? x * $5 / 1e6 : x } $4 == \"blackout_added\" && $6 < 1e5 { $6 = 1e5 } "
rows(line, kernel, field) = sprintf("< awk -F, '%s $1 == \"%s\" && $2 == \"%s\" && $4 == \"%s\" && %s > 0 { print $3, %s }' '%s'", \
	ms, kernel, part(line, 1), part(line, 2), field, field, results)
ours(line) = rows(line, "ours", "$6 / 1e6")
theirs(line) = other eq "peer" ? rows(line, "peer", "$6 / 1e6") : rows(line, "ours", "ms($11)")
goals(line) = rows(line, "ours", "ms($9)")

# The least and greatest of the sizes and of the ms in a panel, and the ms of a size
# of 1 for what comes last
extent(all) = system(sprintf("awk -F, '%s \
	function see(y) { if (y > 0) { if (!low || y < low) low = y; if (y > high) high = y } } \
	index(\"%s\", $2 \":\" $4 \":\") { \
		see($6 / 1e6); see(ms($9)); if (\"%s\" != \"peer\") see(ms($11)); \
		if (!from || $3 < from) from = $3; if ($3 > to) to = $3; \
		if ($6 > 0) { key = $2 $4; sum[key] += log($6 / 1e6 / $3); number[key]++ } } \
	END { print from + 0, to + 0, low + 0, high + 0, key ? exp(sum[key] / number[key]) : 0 }' '%s'", ms, all, other, results))

colours = "#1f77b4 #d9720a #2a9d3a #8046b5"
set style line 21 lw 7 lc rgb "#e6e6e6"
set border 3
set grid xtics ytics lc rgb "#e0e0e0"
set xtics nomirror
set ytics nomirror format "%g"
set key at graph 0.5,1.02 center bottom horizontal Left reverse samplen 1.2 maxcols 2 font ',11'

set multiplot layout 2,3 margins 0.045,0.985,0.07,0.83 spacing 0.05,0.22
set label 1 "What preserving costs, in ms of counted instructions" at screen 0.5,0.975 center font ",17"
set label 2 "● this kernel        ○ ".other."        × goal        grey: growth in proportion to the work" \
	at screen 0.5,0.938 center
do for [panel = 1:6] {
	all = lines[panel]
	size(x) = 1. * x / unit[panel]
	set title title[panel] font ",14" offset 0,1.9
	set xlabel name[panel]
	range = extent(all)
	if (word(range, 1) == 0) { set multiplot next; continue }

	if (panel == 6) {
		unset logscale
		set xrange [0:size(word(range, 2)) * 1.1]
		set yrange [0:word(range, 4) * 1.1]
	} else {
		set logscale xy
		set xrange [size(word(range, 1)) / 1.4:size(word(range, 2)) * 1.4]
		set yrange [word(range, 3) / 2:word(range, 4) * 2]
	}
	plot (panel == 6 ? NaN : word(range, 5) * unit[panel] * x) ls 21 notitle, \
	     for [i = 1:words(all)] theirs(word(all, i)) using (size($1)):2 \
		with linespoints lw 1.5 dt 2 pt 6 ps 0.9 lc rgb word(colours, i) notitle, \
	     for [i = 1:words(all)] goals(word(all, i)) using (size($1)):2 \
		with points pt 2 ps 0.9 lw 2.5 lc rgb word(colours, i) notitle, \
	     for [i = 1:words(all)] ours(word(all, i)) using (size($1)):2:xtic(sprintf("%g", size($1))) \
		with linespoints lw 2 pt 7 ps 0.7 lc rgb word(colours, i) title part(word(all, i), 3)
	unset label
}
unset multiplot
